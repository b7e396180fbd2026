# SAM-HQ ViT-B (379 MB, Apache 2.0).
# Download it once: hf download syscv-community/sam-hq-vit-base \
#     --local-dir checkpoints/sam-hq-vit-base
# It needs the extra [transformers].
_base_ = './sam2_1_hiera_t.py'
generator = dict(
    segmenter=dict(segmenter=dict(model='checkpoints/sam-hq-vit-base'))
)
