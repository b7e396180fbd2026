_base_ = './deeplabv3_voc_coarse.py'
pipeline = [
    *_base_.pipeline[:3],
    dict(
        _base_.pipeline[3],
        pseudo_label_dir='work_dirs/deeplabv3-r101_voc_coarse/pseudo_labels',
    ),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
model = dict(pretrained='open-mmlab://resnet101_v1c', backbone=dict(depth=101))
