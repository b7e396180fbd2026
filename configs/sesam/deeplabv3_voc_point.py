_base_ = './deeplabv3_voc_coarse.py'
train_pipeline = [
    *_base_.load,
    dict(_base_.weak_label, kind='point'),
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
