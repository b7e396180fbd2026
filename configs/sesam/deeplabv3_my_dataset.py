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
    '../_base_/schedules/schedule_20k.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='LoadPseudoLabel'),
    *_base_.augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=_base_.num_classes),
    # CHANGE: 0.1 for coarse masks and strokes, beyond which it finds
    # outlines; 0 for points, which it harms (docs/choosing.md).
    regularizers=[dict(type='GatedCRFLoss', loss_weight=0.1)],
)
# CHANGE: 0.01 / 16 * batch_size * GPUs, here 4 images on one GPU (linear rule,
# docs/get_started.md).
optim_wrapper = dict(optimizer=dict(lr=0.0025))
default_hooks = dict(
    # A look at some training images with all their labels, in the folder
    # vis_data/vis_image of the run's logs and in every further vis_backend.
    training_pictures=dict(type='SeSAMVisualizationHook', interval=1000),
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
        # 3/8 and 1/4 of the steps, as in the runs of docs/accuracy.md. If you
        # change max_iters, change both (docs/choosing.md).
        begin=7500,
        interval=5000,
        max_rounds=2,
    ),
)
