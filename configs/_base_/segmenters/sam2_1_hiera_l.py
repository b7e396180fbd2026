# SAM 2.1 Hiera large (898 MB, Apache 2.0).
# Download it once: hf download facebook/sam2.1-hiera-large \
#     --local-dir checkpoints/sam2.1-hiera-large
# It needs the extra [transformers].
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(
        type='CachedSegmenter',
        segmenter=dict(
            type='TransformersSegmenter',
            model='checkpoints/sam2.1-hiera-large',
            dtype='auto',  # bf16 on GPUs that compute it, else fp32
        ),
        # 8 MiB for each image, up to `max_gib`; None: in memory. The 10 582
        # images of VOC take 83 GiB.
        folder='work_dirs/embeddings',
        max_gib=100,
    ),
    prompter=dict(type='SkeletonPrompter'),
    selector=dict(type='CoverageMaskSelector'),
)
