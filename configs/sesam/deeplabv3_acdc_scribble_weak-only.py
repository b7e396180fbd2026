_base_ = './deeplabv3_acdc_scribble.py'
model = dict(teacher=None, regularizers=[])
default_hooks = dict(pseudo_labels=dict(enabled=False))
