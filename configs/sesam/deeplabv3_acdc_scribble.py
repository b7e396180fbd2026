_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/acdc.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_800.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Square roots of the weights from the classes' shares of labelled pixels
# (README.md), since 96% of all pixels are background.
class_weight = [0.5948, 1.2763, 0.9719, 1.1569]
model = dict(
    ema_momentum=0.99,
    data_preprocessor=dict(size=_base_.crop_size),
    regularizers=[dict(type='GatedCRFLoss', loss_weight=0.1)],
    decode_head=dict(
        num_classes=4,
        loss_decode=dict(class_weight=class_weight),
    ),
)
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
