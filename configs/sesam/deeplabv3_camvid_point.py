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
        kind='point',
        data_root=_base_.data_root,
        cache_dir='work_dirs/weak_labels/camvid',
    ),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11),
)
# A mask that holds the points of two objects is none of them.
generator = _base_.custom_hooks[0].generator
selector = dict(generator.selector, max_conflict=0.15, max_rejected_share=0.9)
custom_hooks = [
    dict(
        _base_.custom_hooks[0],
        generator=dict(
            generator, selector=selector, one_component_per_object=True
        ),
    )
]
