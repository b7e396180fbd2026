# The recipe of docs/accuracy_rows.md: 800 steps of 8 crops, with two refreshes
# of pseudo-labels. A config that lists this file adds their generator, and
# `ema_momentum=0.99`, with which the teacher is a mean of about 100 steps. The
# ramp of the confident labels is the default, 1000 steps, as in the runs: it
# ends at 82%.
# docs/choosing.md tells what a longer training changes.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.3))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=40, by_epoch=False),
    dict(type='PolyLR', power=0.9, begin=40, end=800, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=800, val_interval=200)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        by_epoch=False,
        # Rounds are kept as long as a checkpoint that needs them.
        interval=200,
        save_best='mIoU',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        # The teacher of 200 steps labels no better than round 0.
        begin=300,
        interval=200,
        max_rounds=2,
    ),
)
