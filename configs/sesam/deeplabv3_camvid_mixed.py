# 10 dense images and scribbles on the other 357: docs/mixed.md tells how to
# mix other kinds of labels, and images without any.
# Its train_pipeline is not used: each kind has a pipeline of its own.
_base_ = './deeplabv3_camvid_scribble.py'
# Places in the sorted list of the 367 training images. Give your own data
# sets folders, or lists in ann_file, instead.
dense_images = [18, 55, 91, 128, 165, 201, 238, 275, 311, 348]
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
    _base_.weak_label,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
# Classes and folders are those of the base.
images = _base_.train_dataloader.dataset
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
# Class weights from both kinds.
class_weight = [
    0.4789, 0.3445, 0.7273, 0.3145, 0.7268, 0.5792, 1.1473, 1.7665, 0.7782,
    1.5973, 2.5395,
]  # fmt: skip
model = dict(
    decode_head=dict(loss_decode=dict(class_weight=class_weight)),
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
)
