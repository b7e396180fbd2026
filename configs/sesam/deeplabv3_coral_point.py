_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/coral.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_800.py',
]
train_pipeline = [
    *_base_.load,
    dict(
        type='SimulateWeakLabel',
        kind='point',
        data_root=_base_.data_root,
        cache_dir='work_dirs/weak_labels/coral',
    ),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Class weights from the classes' shares of labelled pixels (README.md).
class_weight = [
    1.3765, 0.3401, 1.3341, 0.3517, 1.3987, 0.2816, 0.2425, 1.762, 2.0325,
    0.8804,
]  # fmt: skip
model = dict(
    ema_momentum=0.99,
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        num_classes=10,
        loss_decode=dict(class_weight=class_weight),
    ),
)
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
