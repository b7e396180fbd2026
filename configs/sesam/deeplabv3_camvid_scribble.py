_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/camvid.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_800.py',
]
weak_label = dict(
    type='SimulateWeakLabel',
    kind='scribble',
    data_root=_base_.data_root,
    cache_dir='work_dirs/weak_labels/camvid',
)
train_pipeline = [
    *_base_.load,
    weak_label,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Class weights from the classes' shares of labelled pixels (README.md).
class_weight = [
    0.6021, 0.4049, 0.5863, 0.4322, 0.6459, 0.6658, 1.0932, 1.7838, 0.8059,
    1.4142, 2.5657,
]  # fmt: skip
model = dict(
    ema_momentum=0.99,
    data_preprocessor=dict(size=_base_.crop_size),
    regularizers=[dict(type='GatedCRFLoss', loss_weight=0.1)],
    decode_head=dict(
        num_classes=11,
        loss_decode=dict(class_weight=class_weight),
    ),
)
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
