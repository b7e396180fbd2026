_base_ = 'mmseg::_base_/models/segformer_mit-b0.py'
model = dict(
    type='SeSAMEncoderDecoder',
    data_preprocessor=dict(type='SeSAMDataPreProcessor'),
    teacher='online',
    mixed_loss=dict(type='MixedLoss'),
)
