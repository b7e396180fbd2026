# SAM 2.1 Hiera small (184 MB, Apache 2.0).
# Download it once: hf download facebook/sam2.1-hiera-small \
#     --local-dir checkpoints/sam2.1-hiera-small
# It needs the extra [transformers].
_base_ = './sam2_1_hiera_t.py'
generator = dict(
    segmenter=dict(segmenter=dict(model='checkpoints/sam2.1-hiera-small'))
)
