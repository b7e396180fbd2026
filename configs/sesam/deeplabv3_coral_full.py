_base_ = './deeplabv3_coral_point.py'
# Class weights from dense labels.
class_weight = [
    1.613, 0.3998, 1.4579, 0.3824, 1.607, 0.1769, 0.1226, 1.5699, 1.6241,
    1.0464,
]  # fmt: skip
model = dict(
    teacher=None,
    decode_head=dict(loss_decode=dict(class_weight=class_weight)),
)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(dataset=dict(pipeline=_base_.dense_pipeline))
