_base_ = [
    '../_base_/models/segformer_b0.py',
    '../_base_/datasets/ade20k.py',
    '../_base_/segmenters/sam_vit_h.py',
    '../_base_/default_runtime.py',
    'mmseg::_base_/schedules/schedule_160k.py',
]
pipeline = [
    *_base_.load,
    dict(
        type='SimulateWeakLabel',
        kind='scribble',
        data_root=_base_.data_root,
        cache_dir='work_dirs/weak_labels/ade20k',
    ),
    dict(
        type='LoadPseudoLabel',
        pseudo_label_dir='work_dirs/segformer_ade20k_scribble/pseudo_labels',
        data_root=_base_.data_root,
    ),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=150),
)
# As mmseg trains SegFormer.
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True,
        type='AdamW',
        lr=6e-5,
        betas=(0.9, 0.999),
        weight_decay=0.01,
    ),
    paramwise_cfg=dict(
        custom_keys={
            'pos_block': dict(decay_mult=0.0),
            'norm': dict(decay_mult=0.0),
            'head': dict(lr_mult=10.0),
        }
    ),
)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500
    ),
    dict(
        type='PolyLR',
        eta_min=0.0,
        power=1.0,
        begin=1500,
        end=160000,
        by_epoch=False,
    ),
]
