# Regions of similar colour in place of SAM: needs neither weights nor a GPU.
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(type='SuperpixelSegmenter'),
    # Regions are much smaller than SAM's masks: a component needs many points
    # and the union of many masks. Every number is our choice
    # (docs/choosing.md).
    prompter=dict(type='SkeletonPrompter', spacing=10, max_points=100),
    selector=dict(
        type='CoverageMaskSelector',
        max_conflict=0.06,
        min_coverage=0.1,
        min_gain=0.005,
    ),
    hole_purity=0.6,
)
