_base_ = './segformer_ade20k_scribble.py'
model = dict(teacher=None)
custom_hooks = [dict(_base_.custom_hooks[0], max_rounds=0)]
