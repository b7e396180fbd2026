# Copy this file, and every line marked CHANGE fits it to your data.
_base_ = [
    # Runs without a GPU; with one, take deeplabv3_r50.py, whose
    # auxiliary_head needs num_classes below as decode_head does.
    '../_base_/models/deeplabv3_lite0.py',
    # CHANGE: your copy of this file.
    '../_base_/datasets/my_dataset.py',
    # Needs no weights; with those of SAM, take sam_vit_h.py.
    '../_base_/segmenters/superpixel.py',
    '../_base_/default_runtime.py',
    # The recipe that was measured, 800 steps. docs/choosing.md tells what a
    # longer training changes, deeplabv3_r50.py needs schedule_20k.py.
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
