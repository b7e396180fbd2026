_base_ = './deeplabv3_camvid_scribble.py'
train_pipeline = [
    *_base_.load,
    dict(_base_.weak_label, kind='coarse'),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# Class weights from coarse masks.
class_weight = [
    0.318, 0.2189, 1.3456, 0.1627, 0.7757, 0.4775, 1.4306, 1.5598, 0.6442,
    1.8664, 2.2006,
]  # fmt: skip
model = dict(decode_head=dict(loss_decode=dict(class_weight=class_weight)))
