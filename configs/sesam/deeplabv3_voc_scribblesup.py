# Weak labels of people. OUT below is VOCdevkit/VOC2012/ScribbleSup:
# tools/convert_annotations.py scribblesup SCRIBBLES OUT --images JPEGImages
_base_ = './deeplabv3_voc_scribble.py'
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='ScribbleSup'),
        pipeline=train_pipeline,
    )
)
