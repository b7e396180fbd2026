_base_ = './deeplabv3_camvid_coarse.py'
model = dict(teacher=None, mixed_loss=dict(sam_weight=0.0))
custom_hooks = []
