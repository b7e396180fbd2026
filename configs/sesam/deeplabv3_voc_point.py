# Weak labels of people. OUT below is VOCdevkit/VOC2012/WhatsThePoint:
# tools/convert_annotations.py whats-the-point voc_whats_the_point.json \
#     voc_whats_the_point_bg_from_scribbles.json OUT --images JPEGImages
# The second file has the clicks on background: without it, no label has
# class 0, and the network never learns it.
_base_ = './deeplabv3_voc_coarse.py'
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(seg_map_path='WhatsThePoint'),
        pipeline=train_pipeline,
    )
)
