# What people drew. OUT below is VOCdevkit/VOC2012/ScribbleSup:
# tools/convert_annotations.py scribblesup SCRIBBLES OUT --images JPEGImages
_base_ = './deeplabv3_voc_scribble.py'
pipeline = [
    *_base_.load,
    dict(
        type='LoadPseudoLabel',
        pseudo_label_dir='work_dirs/deeplabv3_voc_scribblesup/pseudo_labels',
        data_root=_base_.data_root,
    ),
    *_base_.augment,
]
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='ScribbleSup'), pipeline=pipeline
    )
)
