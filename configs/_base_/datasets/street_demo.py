# The data set that tools/make_demo_data.py renders. Batches and the evaluation
# are those of CamVid.
_base_ = './camvid.py'
data_root = 'work_dirs/demo/data'
crop_size = (128, 160)
metainfo = dict(
    classes=(
        'sky',
        'building',
        'road',
        'pavement',
        'tree',
        'car',
        'person',
        'sign',
    ),
    palette=[
        [70, 130, 180],
        [70, 70, 70],
        [128, 64, 128],
        [244, 35, 232],
        [107, 142, 35],
        [0, 0, 142],
        [220, 20, 60],
        [220, 220, 0],
    ],
)
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=8),
]
augment = [
    dict(
        type='RandomResize',
        scale=(224, 160),
        ratio_range=(1.0, 1.5),
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
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        data_prefix=dict(img_path='JPEGImages', seg_map_path='Scribbles'),
        ann_file='ImageSets/Segmentation/train.txt',
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        metainfo=metainfo,
        data_root=data_root,
        data_prefix=dict(
            img_path='JPEGImages', seg_map_path='SegmentationClass'
        ),
        ann_file='ImageSets/Segmentation/val.txt',
    ),
)
test_dataloader = val_dataloader
