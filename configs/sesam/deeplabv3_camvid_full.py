_base_ = './deeplabv3_camvid_scribble.py'
model = dict(teacher=None, regularizers=[])
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(dataset=dict(pipeline=_base_.dense_pipeline))
