_base_ = './segformer_voc_coarse.py'
model = dict(teacher=None, mixed_loss=dict(sam_weight=0.0))
custom_hooks = []
