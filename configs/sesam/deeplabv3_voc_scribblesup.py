# Weak labels of people. OUT below is VOCdevkit/VOC2012/ScribbleSup:
# tools/convert_annotations.py scribblesup SCRIBBLES OUT --images JPEGImages
# trainaug.txt, 10582 images, comes from mmseg's
# tools/dataset_converters/voc_aug.py VOCdevkit VOCaug
_base_ = './deeplabv3_voc_scribble.py'
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(
    dataset=dict(
        ann_file='ImageSets/Segmentation/trainaug.txt',
        data_prefix=dict(seg_map_path='ScribbleSup'),
        pipeline=train_pipeline,
    )
)
