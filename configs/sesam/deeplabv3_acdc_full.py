_base_ = './deeplabv3_acdc_scribble.py'
model = dict(teacher=None, regularizers=[])
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='annotations/train'),
        pipeline=_base_.dense_pipeline,
    )
)
