_base_ = './deeplabv3_camvid_scribble.py'
model = dict(teacher=None, regularizers=[])
custom_hooks = [dict(_base_.custom_hooks[0], max_rounds=0)]
