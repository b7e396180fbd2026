_base_ = './deeplabv3_voc_scribble.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(max_rounds=0))
