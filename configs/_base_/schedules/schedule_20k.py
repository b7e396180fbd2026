# mmseg's, which also keeps the checkpoint of the best validation.
_base_ = 'mmseg::_base_/schedules/schedule_20k.py'
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
