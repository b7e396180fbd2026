"""Text of the config that `write_config` fills.

A line `{..._reason}` becomes comment lines of its indent.
"""

HEAD = """\
_base_ = [
    {model_reason}
    {model!r},
    {segmenter_reason}
    {segmenter!r},
    {runtime!r},
    {schedule!r},
]
work_dir = {work_dir!r}

# Data
metainfo = dict(
    classes={classes},
    palette={palette},
)
num_classes = len(metainfo['classes'])
images = dict(
    type='BaseSegDataset',
    metainfo=metainfo,
    img_suffix={suffix!r},
    seg_map_suffix='.png',
    reduce_zero_label=False,
)
{scale_reason}
scale = {scale}
{crop_reason}
crop_size = {crop}
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='LoadWeakAnnotations',
        num_classes=num_classes,
        kind={kind!r},{unlabelled}
    ),
    dict(type='LoadPseudoLabel'),
    # At least the size above: nearest neighbours delete thin strokes. At most
    # twice the size, as in the pipelines of mmseg.
    dict(
        type='RandomResize',
        scale=scale,
        ratio_range=(1.0, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    # Half of the images, as in the pipelines of mmseg.
    dict(type='RandomFlip', prob=0.5),
    dict(type='KeepTeacherView'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSeSAMInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
{test_resize}    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
{corrected}train_dataloader = dict(
    {batch_size_reason}
    batch_size={batch_size},
    {num_workers_reason}
    num_workers={num_workers},
    persistent_workers=True,
    sampler={sampler},
    dataset={dataset},
)
"""
DATASET = """\
dict(
    images,
    ann_file={names!r},
    data_prefix=dict(
        img_path={images!r},
        seg_map_path={labels!r},
    ),
    pipeline={pipeline},
)"""
SAMPLER = """\
dict(
        type='LabelKindSampler',
        # Few dense images more often than others, and at most a quarter
        # without a label (docs/mixed.md).
        ratio={ratio},
    )"""
CORRECTED = """\
{name} = [
    dict(type='LoadImageFromFile'),
    dict(
        type='LoadWeakAnnotations',
        num_classes=num_classes,
        kind={kind!r},
    ),
    # All steps but those that load the image and its label.
    *train_pipeline[2:],
]
"""
DENSE_SOURCE = """
        # A term of their own: they have more pixels than all weak labels.
        dict(
            type='LabelSource',
            name='dense',
            field='gt_sem_seg',
            kinds=['dense'],
        ),"""
WITH_VAL = """\
{val_reason}
val_dataloader = dict(
    # Images may have different sizes.
    batch_size=1,
    num_workers={num_workers},
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        images,
        img_suffix={val_suffix!r},
        ann_file={val_list!r},
        data_prefix=dict(
            img_path={val_images!r},
            seg_map_path={val_labels!r},
        ),
        pipeline=test_pipeline,
    ),
)
val_evaluator = {evaluator}
"""
IOU_METRICS = """\
[
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    # IoU hardly sees outlines of large objects (docs/report.md).
    dict(type='BoundaryIoU'),
]"""
WITHOUT_VAL = """\
# The last checkpoint is the result.
{val_reason}
val_dataloader = None
val_evaluator = None
val_cfg = None
"""
NETWORK = """\
test_dataloader = val_dataloader
test_evaluator = val_evaluator
{test_cfg}
# Network and loss
model = dict(
    data_preprocessor=dict(size=crop_size),
    decode_head=dict(num_classes=num_classes),{auxiliary}
    {ema_momentum_reason}
    ema_momentum={ema_momentum},
    sources=[{dense_source}
        dict(type='LabelSource', name='weak', field='gt_sem_seg'),
        dict(type='LabelSource', name='pseudo', field='pseudo_sem_seg'),
        dict(
            type='LabelSource',
            name='confident',
            field='confident_sem_seg',
            # Half the weight of human labels, as in all configs (our choice).
            loss_weight=0.5,
            # The teacher learns first: full weight from the first refresh on
            # (our choice; the runs of docs/accuracy_rows.md had 1000 steps).
            ramp={begin},
            normalizer='remaining',
        ),
    ],
    {crf_reason}
    regularizers={regularizers},
)

# Schedule
{max_iters_reason}
max_iters = {max_iters}
{val_interval_reason}
val_interval = {val_interval}
train_cfg = dict(max_iters=max_iters, val_interval=val_interval)
"""
SGD = """\
optim_wrapper = dict(
    optimizer=dict(
        {learning_rate_reason}
        lr={learning_rate},
    ),
)
param_scheduler = [
    # As in the schedules of mmseg.
    dict(type='PolyLR', power=0.9, begin=0, end=max_iters, by_epoch=False)
]
"""
ADAMW = """\
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True,
        type='AdamW',
        {learning_rate_reason}
        lr={learning_rate},
        # As in the runs of docs/accuracy_rows.md.
        weight_decay=0.01,
    ),
    # The backbone has learned from ImageNet, and changes more slowly, as in
    # the runs of docs/accuracy_rows.md.
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.3))),
)
# A warm-up over 5% of the steps, as in the runs of docs/accuracy_rows.md.
warmup = max(max_iters // 20, 1)
param_scheduler = [
    # From a hundredth of the learning rate, as in the runs of
    # docs/accuracy_rows.md.
    dict(type='LinearLR', start_factor=0.01, end=warmup, by_epoch=False),
    # As in the schedules of mmseg.
    dict(
        type='PolyLR', power=0.9, begin=warmup, end=max_iters, by_epoch=False
    ),
]
"""
HOOKS = """\
default_hooks = dict(
    checkpoint=dict(
        interval=val_interval,
        # For space: one takes 0.75 GiB with a ResNet-50 (our choice).
        max_keep_ckpts=3,{save_best}
    ),
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        {begin_reason}
        begin={begin},
        {interval_reason}
        interval={interval},
        # Two refreshes were enough (docs/choosing.md).
        max_rounds=2,
    ),
)
"""
