# EilatMixx: the seabed from above, 690 x 460 pixels.
data_root = '{{$SESAM_DATA:data}}/coral'
crop_size = (256, 320)
metainfo = dict(
    classes=(
        'Faviidae',
        'Stylophora',
        'Platygyra',
        'Acropora',
        'Pocillopora',
        'other hard coral',
        'bare substrate',
        'Millepora',
        'unknown',
        'other invertebrates',
    ),
    palette=[
        [230, 25, 75],
        [245, 130, 48],
        [255, 225, 25],
        [60, 180, 75],
        [70, 240, 240],
        [0, 130, 200],
        [200, 190, 160],
        [240, 50, 230],
        [128, 128, 128],
        [145, 30, 180],
    ],
)
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=10),
]
augment = [
    # A crop shows from a tenth of an image to all of it (our choice).
    dict(
        type='RandomResize',
        scale=(690, 460),
        ratio_range=(0.5, 1.5),
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
            img_path='images/train', seg_map_path='annotations/train'
        ),
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
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
