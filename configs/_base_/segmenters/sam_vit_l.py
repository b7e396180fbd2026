# SAM ViT-L. Put sam_vit_l_0b3195.pth (1.2 GB, Apache 2.0) of
# https://github.com/facebookresearch/segment-anything into checkpoints/.
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(
        type='CachedSegmenter',
        segmenter=dict(
            type='SAMSegmenter',
            checkpoint='checkpoints/sam_vit_l_0b3195.pth',
            builder='segment_anything.build_sam_vit_l',
            dtype='auto',  # bf16 on GPUs that compute it, else fp32
        ),
        # 2 MiB for each image, up to `max_gib` (50); None: in memory.
        folder='work_dirs/embeddings',
    ),
    prompter=dict(type='SkeletonPrompter'),
    selector=dict(type='CoverageMaskSelector'),
)
