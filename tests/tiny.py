norm_cfg = dict(type='BN')
default_scope = 'mmseg'
model = dict(
    type='SeSAMEncoderDecoder',
    teacher='online',
    data_preprocessor=dict(type='SeSAMDataPreProcessor', size=(32, 32)),
    backbone=dict(
        type='ResNetV1c', depth=18, base_channels=8, norm_cfg=norm_cfg
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=64,
        channels=8,
        num_classes=3,
        num_convs=1,
        in_index=3,
        norm_cfg=norm_cfg,
    ),
    test_cfg=dict(mode='whole'),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset',
        data_prefix=dict(img_path='images', seg_map_path='weak'),
        img_suffix='.png',
        metainfo=dict(
            classes=('a', 'b', 'c'), palette=[[9] * 3, [99] * 3, [199] * 3]
        ),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadWeakAnnotations', num_classes=3),
            dict(type='LoadPseudoLabel'),
            dict(type='RandomCrop', crop_size=(32, 32)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='KeepTeacherView'),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSeSAMInputs'),
        ],
    ),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=6)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=3),
    logger=dict(type='LoggerHook', interval=1),
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=dict(
            type='PseudoLabelGenerator',
            segmenter=dict(type='SuperpixelSegmenter'),
        ),
        begin=2,
        interval=2,
        max_rounds=2,
        num_workers=0,
    ),
)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
