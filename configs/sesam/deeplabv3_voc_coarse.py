_base_ = [
    '../_base_/models/deeplabv3_r50.py',
    '../_base_/datasets/voc.py',
    '../_base_/segmenters/sam_vit_h.py',
    '../_base_/default_runtime.py',
    '../_base_/schedules/schedule_20k.py',
]
weak_label = dict(
    type='SimulateWeakLabel',
    kind='coarse',
    data_root=_base_.data_root,
    cache_dir='work_dirs/weak_labels/voc',
)
train_pipeline = [
    *_base_.load,
    weak_label,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=21),
    auxiliary_head=dict(num_classes=21),
)
default_hooks = dict(
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        # Refreshes after 20, 40 and 60% of the steps (our choice,
        # docs/choosing.md).
        begin=4000,
        interval=4000,
        max_rounds=3,
    ),
)
