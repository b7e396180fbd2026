# Needs neither weights nor a GPU.
custom_hooks = [
    dict(
        type='SAMPseudoLabelHook',
        generator=dict(
            type='PseudoLabelGenerator',
            segmenter=dict(type='SuperpixelSegmenter'),
        ),
        begin=500,
        interval=500,
        max_rounds=2,
    )
]
