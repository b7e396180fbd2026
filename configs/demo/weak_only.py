_base_ = './sesam.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
work_dir = 'work_dirs/demo/weak_only'
