# 10 dense images and scribbles on the other 357: docs/mixed.md tells how to
# mix other kinds of labels, and images without any.
_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/camvid.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_20k.py',
]
# Places in the sorted list of the 367 training images. Give your own data
# sets folders, or lists in ann_file, instead.
dense_images = [*range(18, 367, 37)]
scribbled_images = sorted(set(range(367)) - set(dense_images))
load_image, load_label = _base_.load
dense_pipeline = [
    load_image,
    dict(load_label, kind='dense'),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
scribble_pipeline = [
    load_image,
    load_label,
    dict(
        type='SimulateWeakLabel',
        kind='scribble',
        data_root=_base_.data_root,
        cache_dir='work_dirs/weak_labels/camvid',
    ),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
images = dict(
    type='BaseSegDataset',
    metainfo=_base_.metainfo,
    data_root=_base_.data_root,
    data_prefix=dict(
        img_path='images/train', seg_map_path='annotations/train'
    ),
)
train_dataloader = dict(
    # One dense image in each batch of 8: docs/mixed.md has what that gains.
    sampler=dict(
        _delete_=True,
        type='LabelKindSampler',
        ratio=dict(dense=1, scribble=7),
    ),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(images, indices=dense_images, pipeline=dense_pipeline),
            dict(images, indices=scribbled_images, pipeline=scribble_pipeline),
        ],
    ),
)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    regularizers=[dict(type='GatedCRFLoss', loss_weight=0.1)],
    # A mean over dense pixels and one over scribbled pixels: in a mean over
    # both, a dense image would outweigh a hundred scribbled ones.
    sources=[
        dict(
            type='LabelSource',
            name='dense',
            field='gt_sem_seg',
            kinds=['dense'],
        ),
        dict(type='LabelSource', name='weak', field='gt_sem_seg'),
        dict(type='LabelSource', name='pseudo', field='pseudo_sem_seg'),
        dict(
            type='LabelSource',
            name='confident',
            field='confident_sem_seg',
            loss_weight=0.5,
            ramp=1000,
            normalizer='remaining',
        ),
    ],
    decode_head=dict(num_classes=11),
)
default_hooks = dict(
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        # 3/8 and 1/4 of the steps, as in the runs of docs/accuracy.md. If you
        # change max_iters, change both (docs/choosing.md).
        begin=7500,
        interval=5000,
        max_rounds=2,
    ),
)
