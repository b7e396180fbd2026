# The baseline without pseudo-labels. Copy it as well, and name your copy of
# deeplabv3_my_dataset.py here.
_base_ = './deeplabv3_my_dataset.py'
model = dict(teacher=None)
custom_hooks = []
pipeline = [
    step for step in _base_.pipeline if step['type'] != 'LoadPseudoLabel'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
