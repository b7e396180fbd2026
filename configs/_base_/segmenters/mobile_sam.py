# MobileSAM. Put weights/mobile_sam.pt (41 MB, Apache 2.0) of
# https://github.com/ChaoningZhang/MobileSAM into checkpoints/, and install the
# package mobile_sam from there.
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(
        type='CachedSegmenter',
        segmenter=dict(
            type='SAMSegmenter',
            checkpoint='checkpoints/mobile_sam.pt',
            builder='mobile_sam.build_sam_vit_t',
            sha256='6dbb90523a35330fedd7f1d3dfc66f99'
            '5213d81b29a5ca8108dbcdd4e37d6c2f',
            dtype='auto',  # bf16 on GPUs that compute it, else fp32
        ),
        # 2 MiB for each image, up to `max_gib` (50); None: in memory.
        folder='work_dirs/embeddings',
    ),
    prompter=dict(type='SkeletonPrompter'),
    selector=dict(type='CoverageMaskSelector'),
)
