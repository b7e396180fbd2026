_base_ = './deeplabv3_voc_coarse.py'
model = dict(teacher=None)
custom_hooks = []
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load_dense, *_base_.augment])
)
