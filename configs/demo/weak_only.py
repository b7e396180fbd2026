_base_ = './sesam.py'
model = dict(teacher=None, mixed_loss=dict(sam_weight=0.0))
custom_hooks = []
work_dir = 'work_dirs/demo/weak_only'
