_base_ = './deeplabv3_camvid_scribble.py'
train_pipeline = [
    *_base_.load,
    dict(_base_.weak_label, kind='coarse'),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(
    pseudo_labels=dict(
        # A stricter selection, measured with superpixels on coarse masks
        # (docs/choosing.md).
        generator=dict(
            selector=dict(type='CoverageMaskSelector', min_reliability=0.95),
            min_evidence=0.8,
        ),
    ),
)
