_base_ = [
    '../_base_/models/deeplabv3plus_r50.py',
    '../_base_/datasets/cityscapes_coarse.py',
    '../_base_/segmenters/sam_vit_h.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_80k.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
)
default_hooks = dict(
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        # Refreshes after 5, 10 and 15% of the steps (our choice): later
        # ones were not tried.
        begin=4000,
        interval=4000,
        max_rounds=3,
    ),
)
