# The baseline without pseudo-labels. Copy this file too, and name your copy of
# deeplabv3_my_dataset.py here.
_base_ = './deeplabv3_my_dataset.py'
model = dict(teacher=None)
default_hooks = dict(pseudo_labels=dict(enabled=False))
