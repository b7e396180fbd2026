_base_ = [
    '../_base_/models/deeplabv3plus_r50.py',
    '../_base_/datasets/cityscapes_coarse.py',
    '../_base_/segmenters/sam_vit_h.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_80k.py',
]
pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
)
