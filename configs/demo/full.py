_base_ = './sesam.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='SegmentationClass'),
        pipeline=_base_.dense_pipeline,
    )
)
work_dir = 'work_dirs/demo/full'
