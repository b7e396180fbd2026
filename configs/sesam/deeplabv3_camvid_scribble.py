_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/camvid.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_20k.py',
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
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    regularizers=[dict(type='GatedCRFLoss', loss_weight=0.1)],
    decode_head=dict(num_classes=11),
)
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
