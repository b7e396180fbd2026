"""Writes the config of a plan, with a reason behind each number."""

from __future__ import annotations

import os
import pprint
import textwrap
from pathlib import Path
from typing import Any

from mmseg_sesam.start.material import Material
from mmseg_sesam.start.plan import Choice, Plan

_HEAD = """\
_base_ = [
{model_reason}
    {model!r},
{segmenter_reason}
    {segmenter!r},
    {runtime!r},
    {schedule!r},
]
work_dir = {work_dir!r}

# Data
metainfo = dict(
    classes={classes},
    palette={palette},
)
num_classes = len(metainfo['classes'])
images = dict(
    type='BaseSegDataset',
    metainfo=metainfo,
    img_suffix={suffix!r},
    seg_map_suffix='.png',
    reduce_zero_label=False,
)
{scale_reason}
scale = {scale}
{crop_reason}
crop_size = {crop}
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='LoadWeakAnnotations',
        num_classes=num_classes,
        kind={kind!r},{unlabelled}
    ),
    dict(type='LoadPseudoLabel'),
    # At least the size above: nearest neighbours delete thin strokes.
    dict(
        type='RandomResize',
        scale=scale,
        ratio_range=(1.0, 2.0),
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='KeepTeacherView'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSeSAMInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
{test_resize}    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
{batch_size_reason}
    batch_size={batch_size},
{num_workers_reason}
    num_workers={num_workers},
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        images,
        ann_file={train_list!r},
        data_prefix=dict(
            img_path={images!r},
            seg_map_path={labels!r},
        ),
        pipeline=train_pipeline,
    ),
)
"""
_WITH_VAL = """\
{val_reason}
val_dataloader = dict(
    batch_size=1,
    num_workers={num_workers},
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        images,
        img_suffix={val_suffix!r},
        ann_file={val_list!r},
        data_prefix=dict(
            img_path={val_images!r},
            seg_map_path={val_labels!r},
        ),
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
"""
_WITHOUT_VAL = """\
# Without labels for validation nothing is measured, and the last checkpoint
# is the result.
val_dataloader = None
val_evaluator = None
val_cfg = None
"""
_TAIL = """\
test_dataloader = val_dataloader
test_evaluator = val_evaluator
{test_cfg}
# Network and loss
model = dict(
    data_preprocessor=dict(size=crop_size),
    decode_head=dict(num_classes=num_classes),{auxiliary}
{ema_momentum_reason}
    ema_momentum={ema_momentum},
{agreement_reason}
    agreement={agreement},
    sources=[
        dict(type='LabelSource', name='weak', field='gt_sem_seg'),
        dict(
            type='LabelSource',
            name='pseudo',
            field='pseudo_sem_seg',
{pseudo_weight_reason}
            loss_weight={pseudo_weight},
        ),
        dict(
            type='LabelSource',
            name='confident',
            field='confident_sem_seg',
            loss_weight=0.5,
            # The teacher learns first: full weight from the first refresh on.
            ramp={begin},
            normalizer='remaining',
        ),
    ],
{crf_reason}
    regularizers={regularizers},
)

# Schedule
{max_iters_reason}
max_iters = {max_iters}
train_cfg = dict(max_iters=max_iters, val_interval={val_interval})
{optimizer}param_scheduler = [
    dict(type='PolyLR', power=0.9, begin=0, end=max_iters, by_epoch=False)
]
default_hooks = dict(
    checkpoint=dict(
{val_interval_reason}
        interval={val_interval},{save_best}
    ),
    pseudo_labels=dict(
        type='SAMPseudoLabelHook',
        generator=_base_.generator,
{begin_reason}
        begin={begin},
{interval_reason}
        interval={interval},
        # Two refreshes were enough (docs/choosing.md).
        max_rounds=2,
    ),
)
"""
_ADAMW = """\
# The optimizer of docs/accuracy.md for this network.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01)
)
"""
_INDENTS = dict(
    model=4,
    segmenter=4,
    batch_size=4,
    num_workers=4,
    ema_momentum=4,
    agreement=4,
    crf=4,
    pseudo_weight=12,
    val_interval=8,
    begin=8,
    interval=8,
)


def config_text(
    plan: Plan,
    material: Material,
    folder: Path,
    bases: Path,
    val: Material | None = None,
    val_reason: str = '',
) -> str:
    """Returns the text of a config.

    Args:
        plan: the numbers.
        material: images and labels.
        folder: folder of the config and of the lists of images.
        bases: folder of the fragments, `configs/_base_`.
        val: images and labels of the validation.
        val_reason: what it measures.
    """
    choices = vars(plan)
    values: dict[str, Any] = {key: choices[key].value for key in choices}
    for key, choice in choices.items():
        values[f'{key}_reason'] = _comment(choice, _INDENTS.get(key, 0))
    values.update(
        model=_base(folder, bases / f'models/{plan.model.value}.py'),
        segmenter=_base(
            folder, bases / f'segmenters/{plan.segmenter.value}.py'
        ),
        runtime=_base(folder, bases / 'default_runtime.py'),
        schedule=_base(folder, bases / 'schedules/schedule_20k.py'),
        work_dir=(folder / 'run').as_posix(),
        classes=_literal(material.classes),
        palette=_literal(material.palette),
        suffix=material.suffix,
        kind=material.kind,
        unlabelled="\n        unlabelled='allow',"
        if material.unlabelled
        else '',
        train_list=(folder / 'train.txt').as_posix(),
        images=material.images.as_posix(),
        labels=material.labels.as_posix(),
        test_resize=_test_resize(plan, material),
        regularizers=f"[dict(type='GatedCRFLoss', loss_weight={plan.crf[0]})]"
        if plan.crf.value
        else '[]',
        **_of_network(plan),
        save_best='' if val else '\n        save_best=None,',
        test_cfg='' if val else 'test_cfg = None\n',
    )
    middle = _WITHOUT_VAL
    if val:
        middle = _WITH_VAL
        values.update(
            val_reason=_comment(Choice(None, val_reason), 0),
            val_suffix=val.suffix,
            val_list=(folder / 'val.txt').as_posix(),
            val_images=val.images.as_posix(),
            val_labels=val.labels.as_posix(),
        )
    return (_HEAD + middle + _TAIL).format(**values)


def _of_network(plan: Plan) -> dict[str, str]:
    """Returns the lines that depend on the network."""
    if plan.model.value == 'deeplabv3_r50':
        auxiliary = '\n    auxiliary_head=dict(num_classes=num_classes),'
        return dict(auxiliary=auxiliary, optimizer='')
    return dict(auxiliary='', optimizer=_ADAMW)


def _comment(choice: Choice, indent: int) -> str:
    """Returns the reason of a choice as comment lines."""
    reason = choice.reason[:1].upper() + choice.reason[1:] + '.'
    start = ' ' * indent + '# '
    return textwrap.fill(
        reason,
        79,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
    )


def _base(folder: Path, path: Path) -> str:
    """Returns the path of a fragment, seen from the config's folder."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _literal(value: Any) -> str:
    """Returns a value as Python text, in lines for an indent of 4."""
    text = pprint.pformat(value, width=70, compact=True)
    return text.replace('\n', '\n    ')


def _test_resize(plan: Plan, material: Material) -> str:
    """Returns the step that scales large images in validation."""
    if plan.scale.value == tuple(sorted(material.size, reverse=True)):
        return ''
    return "    dict(type='Resize', scale=scale, keep_ratio=True),\n"
