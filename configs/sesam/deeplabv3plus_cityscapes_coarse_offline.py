_base_ = './deeplabv3plus_cityscapes_coarse.py'
model = dict(teacher=None)
custom_hooks = [dict(_base_.custom_hooks[0], max_rounds=0)]
