# A small network and a short schedule: some minutes on two CPU cores.
_base_ = [
    '../_base_/datasets/street_demo.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_20k.py',
]
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='SeSAMEncoderDecoder',
    teacher='online',
    # The average over about 100 steps, for a training of 400.
    ema_momentum=0.99,
    sources=[
        dict(type='LabelSource', name='weak', field='gt_sem_seg'),
        dict(type='LabelSource', name='pseudo', field='pseudo_sem_seg'),
        dict(
            type='LabelSource',
            name='confident',
            field='confident_sem_seg',
            loss_weight=0.5,
            # Full weight from the first refresh on (our choice).
            ramp=200,
            normalizer='remaining',
        ),
    ],
    data_preprocessor=dict(
        type='SeSAMDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=_base_.crop_size,
    ),
    backbone=dict(
        type='ResNetV1c',
        depth=18,
        base_channels=32,
        stem_channels=32,
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='SegformerHead',
        in_channels=[32, 64, 128, 256],
        in_index=[0, 1, 2, 3],
        channels=64,
        dropout_ratio=0.1,
        num_classes=8,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.01)
)
max_iters = 400
param_scheduler = [
    dict(type='PolyLR', power=0.9, begin=0, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(
    checkpoint=dict(interval=max_iters),
    training_pictures=dict(type='SeSAMVisualizationHook', interval=200),
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        # Refreshes after 1/2 and 3/4 of the steps: after 100 steps the
        # teacher is confident of too little (docs/method.md).
        begin=200,
        interval=100,
        max_rounds=2,
    ),
)
randomness = dict(seed=0)
work_dir = 'work_dirs/demo/sesam'
