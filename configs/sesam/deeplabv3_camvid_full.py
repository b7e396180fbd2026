_base_ = './deeplabv3_camvid_scribble.py'
model = dict(teacher=None, regularizers=[])
custom_hooks = []
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load_dense, *_base_.augment])
)
