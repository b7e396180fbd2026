_base_ = './deeplabv3_camvid_scribble.py'
model = dict(teacher=None, regularizers=[])
custom_hooks = []
pipeline = [
    step for step in _base_.pipeline if step['type'] != 'LoadPseudoLabel'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
