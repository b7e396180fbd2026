# Regions of similar colour in place of SAM: needs neither weights nor a GPU.
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(type='SuperpixelSegmenter'),
    # Regions are much smaller than SAM's masks: a component needs many points
    # (docs/choosing.md).
    prompter=dict(type='SkeletonPrompter', spacing=10, max_points=100),
)
