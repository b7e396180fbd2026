# Clicks of people, on objects and on background: voc_small.py tells how to
# convert them.
_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/voc_small.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_20k.py',
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
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
