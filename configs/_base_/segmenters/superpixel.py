# Regions of similar colour in place of SAM: needs neither weights nor a GPU.
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(type='SuperpixelSegmenter'),
    # Regions are much smaller than SAM's masks: a component needs many points
    # (docs/choosing.md).
    prompter=dict(type='SkeletonPrompter', spacing=10, max_points=100),
    # They follow outlines less well than SAM's masks (docs/choosing.md).
    selector=dict(type='CoverageMaskSelector', min_reliability=0.95),
)
