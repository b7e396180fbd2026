_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/coral.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_20k.py',
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
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=10),
)
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
