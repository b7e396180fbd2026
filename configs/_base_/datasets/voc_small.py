# VOC for a CPU: smaller images, and clicks of people. OUT below is
# VOCdevkit/VOC2012/WhatsThePoint:
# tools/convert_annotations.py whats-the-point voc_whats_the_point.json \
#     voc_whats_the_point_bg_from_scribbles.json OUT --images JPEGImages
_base_ = './voc.py'
crop_size = (256, 320)
# Images of 500 x 375 are scaled to 400 x 300, so that a crop shows most of an
# animal (our choice).
scale = (400, 300)
augment = [
    # Dots of 3 x 3 pixels survive the smallest scale, 0.6 of the file's.
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
    dataset=dict(data_prefix=dict(seg_map_path='WhatsThePoint')),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
