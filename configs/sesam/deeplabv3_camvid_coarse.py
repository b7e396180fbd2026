_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/camvid.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_20k.py',
]
pipeline = [
    *_base_.load,
    dict(
        type='SimulateWeakLabel',
        kind='coarse',
        data_root=_base_.data_root,
        cache_dir='work_dirs/weak_labels/camvid',
    ),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
# Masks label 40% of all pixels, hardly any wrong: SAM's labels weigh less, and
# may differ more from the teacher's.
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    agreement=0.2,
    sources=[
        dict(type='LabelSource', name='weak', field='gt_sem_seg'),
        dict(
            type='LabelSource',
            name='pseudo',
            field='pseudo_sem_seg',
            loss_weight=0.5,
        ),
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
