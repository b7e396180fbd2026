# With two refreshes of pseudo-labels from superpixels. A config that lists
# this file adds its generator.
_base_ = './schedule_20k.py'
default_hooks = dict(
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        # 3/8 and 1/4 of the steps, as in the runs of docs/accuracy.md. If you
        # change max_iters, change both (docs/choosing.md).
        begin=7500,
        interval=5000,
        max_rounds=2,
    ),
)
