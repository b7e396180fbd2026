# All configs of VOC train on one set, so that one dense baseline serves them:
# trainaug.txt, 10582 images, and SegmentationClassAug, which come from mmseg's
# tools/dataset_converters/voc_aug.py VOCdevkit VOCaug
# It writes the labels of SBD, which lacks some training images of VOC:
# cp SegmentationClass/*.png SegmentationClassAug
data_root = '{{$SESAM_DATA:data}}/VOCdevkit/VOC2012'
crop_size = (512, 512)
# A config puts its weak labels and pseudo-labels between these two.
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=21),
]
augment = [
    # Scaling down by nearest neighbours would delete thin scribbles.
    dict(
        type='RandomResize',
        scale=(2048, 512),
        ratio_range=(0.75, 2.0),
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
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='PascalVOCDataset',
        data_root=data_root,
        data_prefix=dict(
            img_path='JPEGImages', seg_map_path='SegmentationClassAug'
        ),
        ann_file='ImageSets/Segmentation/trainaug.txt',
        pipeline=[],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PascalVOCDataset',
        data_root=data_root,
        data_prefix=dict(
            img_path='JPEGImages', seg_map_path='SegmentationClass'
        ),
        ann_file='ImageSets/Segmentation/val.txt',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
