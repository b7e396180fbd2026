# EilatMixx: the seabed from above, 690 x 460 pixels. Folders, crops and the
# evaluation are those of CamVid.
_base_ = './camvid.py'
data_root = '{{$SESAM_DATA:data}}/coral'
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
    dict(type='RandomCrop', crop_size=_base_.crop_size),
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
train_dataloader = dict(dataset=dict(metainfo=metainfo, data_root=data_root))
val_dataloader = dict(dataset=dict(metainfo=metainfo, data_root=data_root))
test_dataloader = val_dataloader
