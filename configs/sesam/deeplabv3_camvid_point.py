_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/camvid.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_20k.py',
]
train_pipeline = [
    *_base_.load,
    dict(
        type='SimulateWeakLabel',
        kind='point',
        data_root=_base_.data_root,
        cache_dir='work_dirs/weak_labels/camvid',
    ),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11),
)
default_hooks = dict(
    # Points say nothing of areas. If you know the classes' shares of pixels:
    # class_shares=dict(type='ClassSharesHook', shares='pixels.csv'),
    # see docs/class_shares.md.
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        # Our choice (docs/choosing.md); the runs of docs/accuracy.md refresh
        # after 3/8 and 5/8 of their steps.
        begin=500,
        interval=500,
        max_rounds=2,
    ),
)
