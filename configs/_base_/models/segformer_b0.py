_base_ = 'mmseg::_base_/models/segformer_mit-b0.py'
model = dict(
    type='SeSAMEncoderDecoder',
    pretrained=(
        'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/'
        'segformer/mit_b0_20220624-7e0fe6dd.pth'
    ),
    data_preprocessor=dict(type='SeSAMDataPreProcessor'),
    teacher='online',
)
