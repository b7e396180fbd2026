_base_ = './deeplabv3-lite0_voc_point.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
