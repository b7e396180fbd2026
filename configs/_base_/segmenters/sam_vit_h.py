# SAM ViT-H, the SAM of the paper. Put sam_vit_h_4b8939.pth (2.6 GB, Apache
# 2.0) of https://github.com/facebookresearch/segment-anything into
# checkpoints/ (docs/get_started.md).
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(
        type='CachedSegmenter',
        segmenter=dict(
            type='SAMSegmenter',
            checkpoint='checkpoints/sam_vit_h_4b8939.pth',
            builder='segment_anything.build_sam_vit_h',
            dtype='auto',  # bf16 on GPUs that compute it, else fp32
        ),
        # 2 MiB for each image, up to `max_gib` (50); None: in memory.
        folder='work_dirs/embeddings',
    ),
    prompter=dict(type='SkeletonPrompter'),
    selector=dict(type='CoverageMaskSelector'),
)
