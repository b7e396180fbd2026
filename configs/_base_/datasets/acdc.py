# Heart MRI in grey slices of about 256 x 216 pixels, with scribbles of
# Valvano et al., "Learning to Segment from Scribbles using Multi-scale
# Adversarial Attention Gates", IEEE TMI 2021.
data_root = '{{$SESAM_DATA:data}}/acdc'
crop_size = (256, 256)
# Enlarged, since the network works at stride 16 and the myocardium is 5 to 10
# pixels wide (our choice).
scale = (384, 384)
metainfo = dict(
    classes=('background', 'right ventricle', 'myocardium', 'left ventricle'),
    palette=[[0, 0, 0], [70, 130, 220], [60, 180, 75], [220, 60, 40]],
)
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=4),
]
augment = [
    # Never below the size of the files: scaling down by nearest neighbours
    # would cut scribbles of one pixel.
    dict(
        type='RandomResize',
        scale=scale,
        ratio_range=(0.75, 1.5),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='KeepTeacherView'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSeSAMInputs'),
]
dense_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    *augment,
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset',
        metainfo=metainfo,
        data_root=data_root,
        data_prefix=dict(
            img_path='images/train', seg_map_path='scribbles/train'
        ),
        img_suffix='.png',
        pipeline=[],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='BaseSegDataset',
        metainfo=metainfo,
        data_root=data_root,
        data_prefix=dict(
            img_path='images/val', seg_map_path='annotations/val'
        ),
        img_suffix='.png',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU', 'mDice'])
test_evaluator = val_evaluator
