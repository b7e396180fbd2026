_base_ = './deeplabv3_camvid_scribble.py'
train_pipeline = [
    *_base_.load,
    dict(_base_.weak_label, kind='point'),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# The gated CRF loss lowers the mIoU with points (docs/choosing.md).
model = dict(regularizers=[])
# Points say nothing of areas. If you know the classes' shares of pixels:
# default_hooks = dict(
#     class_shares=dict(type='ClassSharesHook', shares='pixels.csv')
# )
# see docs/class_shares.md.
