_base_ = './deeplabv3_camvid_scribble.py'
model = dict(teacher=None, crf_weight=0.0)
custom_hooks = []
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load_dense, *_base_.augment])
)
