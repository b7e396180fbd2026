_base_ = './deeplabv3plus_cityscapes_coarse.py'
model = dict(teacher=None, mixed_loss=dict(sam_weight=0.0))
custom_hooks = []
