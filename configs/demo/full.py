_base_ = './sesam.py'
model = dict(teacher=None)
custom_hooks = []
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='SegmentationClass'),
        pipeline=[*_base_.load_dense, *_base_.augment],
    )
)
work_dir = 'work_dirs/demo/full'
