# The SAM of the paper. The checkpoint (2.4 GB) is not downloaded by itself:
# docs/get_started.md tells how to get it.
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(
        type='SAMSegmenter', checkpoint='checkpoints/sam_vit_h_4b8939.pth'
    ),
    prompter=dict(type='SkeletonPrompter'),
    selector=dict(type='CoverageMaskSelector'),
)
