_base_ = './deeplabv3_camvid_scribble.py'
model = dict(teacher=None, crf_weight=0.0)
custom_hooks = [dict(_base_.custom_hooks[0], max_rounds=0)]
