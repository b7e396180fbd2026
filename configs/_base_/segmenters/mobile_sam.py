# MobileSAM. Put weights/mobile_sam.pt (41 MB, Apache 2.0) of
# https://github.com/ChaoningZhang/MobileSAM into checkpoints/, and install the
# package mobile_sam from there.
_base_ = './sam_vit_h.py'
generator = dict(
    segmenter=dict(
        segmenter=dict(
            checkpoint='checkpoints/mobile_sam.pt',
            builder='mobile_sam.build_sam_vit_t',
            sha256='6dbb90523a35330fedd7f1d3dfc66f99'
            '5213d81b29a5ca8108dbcdd4e37d6c2f',
        )
    )
)
