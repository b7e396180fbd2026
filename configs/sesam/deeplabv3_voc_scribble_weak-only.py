_base_ = './deeplabv3_voc_scribble.py'
model = dict(teacher=None, mixed_loss=dict(sam_weight=0.0))
custom_hooks = []
