_base_ = './deeplabv3_voc_coarse.py'
model = dict(pretrained='open-mmlab://resnet101_v1c', backbone=dict(depth=101))
