_base_ = './segformer_voc_coarse.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
train_dataloader = dict(dataset=dict(pipeline=_base_.dense_pipeline))
