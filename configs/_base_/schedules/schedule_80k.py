# mmseg's, which also keeps the checkpoint of the best validation.
_base_ = 'mmseg::_base_/schedules/schedule_80k.py'
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
