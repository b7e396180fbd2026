_base_ = './deeplabv3_coral_point.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
