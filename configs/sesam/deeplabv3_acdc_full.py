_base_ = './deeplabv3_acdc_scribble.py'
# Class weights from dense labels.
class_weight = [0.2719, 1.3078, 1.2049, 1.2154]
model = dict(
    teacher=None,
    regularizers=[],
    decode_head=dict(loss_decode=dict(class_weight=class_weight)),
)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='annotations/train'),
        pipeline=_base_.dense_pipeline,
    )
)
