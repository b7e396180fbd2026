# Clicks of people, on objects and on background: voc_small.py tells how to
# convert them.
_base_ = [
    '../_base_/models/deeplabv3_lite0.py',
    '../_base_/datasets/voc_small.py',
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/sesam_800.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Class weights from the classes' shares of labelled pixels (README.md) in 600
# photos, for which the 800 steps are, too. On all 10 582 photos compute them
# again, and train longer (docs/choosing.md).
class_weight = [
    0.0663, 1.5334, 1.5334, 1.433, 1.507, 1.1514, 1.5334, 1.055, 0.3333,
    0.9327, 0.4517, 1.433, 0.294, 0.4852, 1.4569, 0.3688, 1.0185, 0.3889,
    1.0808, 1.5334, 1.41,
]  # fmt: skip
model = dict(
    ema_momentum=0.99,
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        num_classes=21,
        loss_decode=dict(class_weight=class_weight),
    ),
)
default_hooks = dict(pseudo_labels=dict(generator=_base_.generator))
