_base_ = './deeplabv3_voc_coarse.py'
model = dict(teacher=None)
custom_hooks = []
pipeline = [
    step for step in _base_.pipeline if step['type'] != 'LoadPseudoLabel'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
