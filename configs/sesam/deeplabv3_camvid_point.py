_base_ = './deeplabv3_camvid_scribble.py'
train_pipeline = [
    *_base_.load,
    dict(_base_.weak_label, kind='point'),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Class weights from points.
class_weight = [
    0.9889, 0.5837, 0.4845, 1.2255, 0.7879, 0.7765, 0.5218, 1.5714, 0.8203,
    0.8869, 2.3527,
]  # fmt: skip
# The gated CRF loss lowers the mIoU with points (docs/choosing.md).
model = dict(
    regularizers=[],
    decode_head=dict(loss_decode=dict(class_weight=class_weight)),
)
# Points say nothing of areas. If you know the classes' shares of pixels:
# default_hooks = dict(
#     class_shares=dict(type='ClassSharesHook', shares='pixels.csv')
# )
# see docs/class_shares.md.
