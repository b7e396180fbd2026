# Copy this file, and every line marked CHANGE fits it to your data.
# CHANGE: the folder that holds all images and labels.
data_root = '{{$SESAM_DATA:data}}/my_dataset'
# CHANGE: height and width of what the network sees in training; images are
# not smaller after RandomResize below, or are padded.
crop_size = (512, 512)
metainfo = dict(
    # CHANGE: the names of ids 0, 1, 2 and so on, unlabelled (255) left out.
    classes=('background', 'cat', 'dog'),
    # CHANGE: the RGB colour in which each of them is painted.
    palette=[[0, 0, 0], [220, 60, 40], [40, 120, 220]],
)
num_classes = len(metainfo['classes'])
# CHANGE: True if ids start at 1 and 0 is unlabelled, as in ADE20K.
reduce_zero_label = False
# CHANGE: how names of images and labels end; the rest of them is the same.
img_suffix = '.jpg'
seg_map_suffix = '.png'
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadWeakAnnotations', num_classes=num_classes),
]
augment = [
    # Scaling down by nearest neighbours would delete thin scribbles.
    dict(
        type='RandomResize',
        # CHANGE: the longer and the shorter side of your images.
        scale=(640, 480),
        ratio_range=(1.0, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='KeepTeacherView'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSeSAMInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset',
        metainfo=metainfo,
        data_root=data_root,
        # CHANGE: folders of images and of weak labels, below data_root.
        data_prefix=dict(img_path='images/train', seg_map_path='weak/train'),
        img_suffix=img_suffix,
        seg_map_suffix=seg_map_suffix,
        reduce_zero_label=reduce_zero_label,
        pipeline=[],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='BaseSegDataset',
        metainfo=metainfo,
        data_root=data_root,
        # CHANGE: folders of images and of dense labels, by which mIoU is
        # measured. Two sets in one folder: add ann_file='train.txt' above
        # and 'val.txt' here, with a name a line and no suffix.
        data_prefix=dict(img_path='images/val', seg_map_path='dense/val'),
        img_suffix=img_suffix,
        seg_map_suffix=seg_map_suffix,
        reduce_zero_label=reduce_zero_label,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
