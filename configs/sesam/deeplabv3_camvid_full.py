_base_ = './deeplabv3_camvid_scribble.py'
# Class weights from dense labels.
class_weight = [
    0.2688, 0.206, 1.6103, 0.16, 0.7428, 0.4191, 1.5129, 1.5354, 0.6153,
    1.8233, 2.106,
]  # fmt: skip
model = dict(
    teacher=None,
    regularizers=[],
    decode_head=dict(loss_decode=dict(class_weight=class_weight)),
)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(dataset=dict(pipeline=_base_.dense_pipeline))
