# SAM 3 (0.9 billion parameters; gated, under the SAM License of Meta).
# Ask for access on the page of the model first.
# Download it once: hf download facebook/sam3 \
#     --local-dir checkpoints/sam3
# It needs the extra [transformers].
_base_ = './sam2_1_hiera_t.py'
generator = dict(
    segmenter=dict(
        segmenter=dict(model='checkpoints/sam3'),
        # 10 MiB for each image: the 10 582 images of VOC take 105 GiB.
        max_gib=120,
    )
)
