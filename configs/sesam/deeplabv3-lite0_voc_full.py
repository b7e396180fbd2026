_base_ = './deeplabv3-lite0_voc_point.py'
model = dict(
    teacher=None,
    # Class weights lower the mIoU with dense labels (docs/accuracy_rows.md).
    decode_head=dict(loss_decode=dict(class_weight=None)),
)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='SegmentationClassAug'),
        pipeline=_base_.dense_pipeline,
    )
)
