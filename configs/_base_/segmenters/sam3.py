# SAM 3 (0.9 billion parameters; gated, under the SAM License of Meta).
# Ask for access on the page of the model first.
# Download it once: hf download facebook/sam3 \
#     --local-dir checkpoints/sam3
# It needs the extra [transformers].
generator = dict(
    type='PseudoLabelGenerator',
    segmenter=dict(
        type='CachedSegmenter',
        segmenter=dict(
            type='TransformersSegmenter',
            model='checkpoints/sam3',
            dtype='auto',  # bf16 on GPUs that compute it, else fp32
        ),
        # 10 MiB for each image, up to `max_gib`; None: in memory. The 10 582
        # images of VOC take 105 GiB.
        folder='work_dirs/embeddings',
        max_gib=120,
    ),
    prompter=dict(type='SkeletonPrompter'),
    selector=dict(type='CoverageMaskSelector'),
)
