_base_ = './segformer_ade20k_scribble.py'
model = dict(teacher=None)
custom_hooks = []
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load_dense, *_base_.augment])
)
