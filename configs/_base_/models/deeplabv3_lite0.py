# Small enough to be tried on a CPU. The backbone keeps its stride of 32,
# since dilated depthwise convolutions take most of a step on CPUs; the head
# works at stride 16 on the last two stages. Needs timm. Crops must be
# multiples of 32, see `size_divisor`.
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='SeSAMEncoderDecoder',
    data_preprocessor=dict(
        type='SeSAMDataPreProcessor',
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        # The backbone pads as TensorFlow does: where a side is no multiple of
        # its stride, features move by up to half a stride.
        test_cfg=dict(size_divisor=32),
        # Steps on a CPU take less time (docs/performance.md).
        channels_last=True,
    ),
    teacher='online',
    backbone=dict(
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        pretrained=True,
    ),
    decode_head=dict(
        type='ASPPHead',
        in_channels=[112, 320],
        in_index=[3, 4],
        input_transform='resize_concat',
        channels=128,
        dilations=(1, 4, 8, 12),
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
