# SAM ViT-L. Put sam_vit_l_0b3195.pth (1.2 GB, Apache 2.0) of
# https://github.com/facebookresearch/segment-anything into checkpoints/.
_base_ = './sam_vit_h.py'
generator = dict(
    segmenter=dict(
        segmenter=dict(
            checkpoint='checkpoints/sam_vit_l_0b3195.pth',
            builder='segment_anything.build_sam_vit_l',
        )
    )
)
