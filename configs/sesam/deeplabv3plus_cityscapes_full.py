_base_ = './deeplabv3plus_cityscapes_coarse.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='gtFine/train'),
        seg_map_suffix='_gtFine_labelTrainIds.png',
        pipeline=_base_.dense_pipeline,
    )
)
