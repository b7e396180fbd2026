# The checkpoint is not downloaded by itself (2.4 GB): see the README.
custom_hooks = [
    dict(
        type='SAMPseudoLabelHook',
        generator=dict(
            type='PseudoLabelGenerator',
            segmenter=dict(
                type='SAMSegmenter',
                checkpoint='checkpoints/sam_vit_h_4b8939.pth',
            ),
            prompter=dict(type='SkeletonPrompter'),
            selector=dict(type='CoverageMaskSelector'),
        ),
        begin=4000,
        interval=4000,
        max_rounds=3,
    )
]
