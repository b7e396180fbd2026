# Needs neither weights nor a GPU.
custom_hooks = [
    dict(
        type='SAMPseudoLabelHook',
        generator=dict(
            type='PseudoLabelGenerator',
            segmenter=dict(type='SuperpixelSegmenter'),
            # Regions are small: many points, and many masks to a component.
            prompter=dict(type='SkeletonPrompter', spacing=10, max_points=100),
            selector=dict(
                type='CoverageMaskSelector',
                max_conflict=0.06,
                min_coverage=0.1,
                min_gain=0.005,
            ),
            hole_purity=0.6,
        ),
        begin=500,
        interval=500,
        max_rounds=2,
    )
]
