_base_ = './deeplabv3_camvid_coarse.py'
model = dict(teacher=None)
custom_hooks = [dict(_base_.custom_hooks[0], max_rounds=0)]
