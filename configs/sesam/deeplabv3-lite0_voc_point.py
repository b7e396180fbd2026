# Clicks of people, on objects and on background: voc_240x320.py tells how to
# convert them.
_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/voc_240x320.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_20k.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=21),
)
# As in deeplabv3_camvid_point.py.
generator = dict(
    _base_.generator,
    selector=dict(
        _base_.generator.selector, max_conflict=0.15, max_rejected_share=0.9
    ),
    one_component_per_object=True,
)
default_hooks = dict(
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=generator,
        # Our choice (docs/choosing.md); the runs of docs/accuracy.md refresh
        # after 3/8 and 5/8 of their steps.
        begin=500,
        interval=500,
        max_rounds=2,
    ),
)
