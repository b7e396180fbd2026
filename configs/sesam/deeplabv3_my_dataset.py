# Copy this file, and every line marked CHANGE fits it to your data.
_base_ = [
    # Runs without a GPU. Another network needs another optimizer, too
    # (docs/add_to_your_config.md).
    '../_base_/models/deeplabv3_lite0.py',
    # CHANGE: your copy of this file.
    '../_base_/datasets/my_dataset.py',
    # Needs no weights; with those of SAM, take sam_vit_h.py.
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    # CHANGE: 800 steps of 8 crops suit some hundred images. docs/choosing.md
    # tells what a longer training changes.
    '../_base_/schedules/sesam_800.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    ema_momentum=0.99,
    data_preprocessor=dict(size=_base_.crop_size),
    # CHANGE: add class weights, which the measured runs had (README.md), if
    # rare classes matter.
    decode_head=dict(num_classes=_base_.num_classes),
    # CHANGE: 0.1 for coarse masks and strokes, beyond which it finds
    # outlines; 0 for points, which it harms (docs/choosing.md).
    regularizers=[dict(type='GatedCRFLoss', loss_weight=0.1)],
)
default_hooks = dict(
    # A look at some training images with all their labels, in the folder
    # vis_data/vis_image of the run's logs and in every further vis_backend.
    training_pictures=dict(type='SeSAMVisualizationHook', interval=200),
    pseudo_labels=dict(generator=_base_.generator),
)
