_base_ = 'mmseg::_base_/models/deeplabv3_r50-d8.py'
model = dict(
    type='SeSAMEncoderDecoder',
    data_preprocessor=dict(type='SeSAMDataPreProcessor'),
    teacher='online',
)
