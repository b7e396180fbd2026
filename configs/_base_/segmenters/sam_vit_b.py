# SAM ViT-B. Put sam_vit_b_01ec64.pth (375 MB, Apache 2.0) of
# https://github.com/facebookresearch/segment-anything into checkpoints/.
_base_ = './sam_vit_h.py'
generator = dict(
    segmenter=dict(
        segmenter=dict(
            checkpoint='checkpoints/sam_vit_b_01ec64.pth',
            builder='segment_anything.build_sam_vit_b',
        )
    )
)
