"""Writes the config of a plan, with a reason behind each number."""

from __future__ import annotations

import math
import os
import pprint
import re
import textwrap
from pathlib import Path
from typing import Any

from mmseg_sesam.evaluation.weak_pixels import PROXY
from mmseg_sesam.start.config_template import (
    ADAMW,
    CORRECTED,
    DATASET,
    DENSE_SOURCE,
    HEAD,
    HOOKS,
    IOU_METRICS,
    NETWORK,
    SAMPLER,
    SGD,
    WITH_VAL,
    WITHOUT_VAL,
)
from mmseg_sesam.start.material import Material
from mmseg_sesam.start.plan import MEASURED, Plan
from mmseg_sesam.start.ratio import drawing_ratio
from mmseg_sesam.start.sets import DataSets
from mmseg_sesam.structures import DENSE, NO_LABEL

# A line of the template that a reason replaces.
_REASON = re.compile(r'^( *)\{(\w+)_reason\}$', re.MULTILINE)


def config_text(plan: Plan, sets: DataSets, folder: Path, bases: Path) -> str:
    """Returns the text of a config.

    Args:
        plan: the numbers.
        sets: images and labels.
        folder: folder of the config and of the lists of images.
        bases: folder of the fragments, `configs/_base_`.
    """
    choices, material = vars(plan), sets.train
    crf = plan.crf.value
    values: dict[str, Any] = {key: choices[key].value for key in choices}
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
        test_resize=_test_resize(plan, material),
        regularizers=f"[dict(type='GatedCRFLoss', loss_weight={crf})]"
        if crf
        else '[]',
        auxiliary='\n    auxiliary_head=dict(num_classes=num_classes),'
        if plan.model.value == 'deeplabv3_r50'
        else '',
        **_of_labels(sets, folder),
        **_of_validation(sets, folder),
    )
    validation = WITH_VAL if sets.val else WITHOUT_VAL
    optimizer = ADAMW if plan.model.value == MEASURED else SGD
    reasons = {key: choice.reason for key, choice in choices.items()}
    reasons['val'] = f'the validation measures {sets.measured}'
    template = HEAD + validation + NETWORK + optimizer + HOOKS
    return _fill_reasons(template, reasons).format(**values)


def _of_labels(sets: DataSets, folder: Path) -> dict[str, str]:
    """Returns the lines that depend on kinds and folders of labels."""
    train = sets.train
    parts = [
        _dataset('train_pipeline', part.labels, part, folder / 'train.txt')
        for part in [train]
        if train.labelled or train.unlabelled
    ]
    pipelines = ''
    for number, part in enumerate(sets.corrected, 1):
        name = f'corrected_pipeline_{number}'
        pipelines += CORRECTED.format(name=name, kind=part.kind)
        names = part.labels.with_suffix('.txt')
        parts.append(_dataset(name, part.labels, part, names))
    dataset = parts[0]
    if len(parts) > 1:
        joined = textwrap.indent(',\n'.join(parts), '    ' * 2)
        dataset = (
            "dict(\n    type='ConcatDataset',\n    datasets=[\n"
            f'{joined},\n    ],\n)'
        )
    allowed = "\n        unlabelled='allow',"
    has_more = DENSE in sets.labelled and len(sets.labelled) > 1
    return dict(
        kind=train.kind if train.labelled else NO_LABEL,
        unlabelled=allowed if train.labelled and train.unlabelled else '',
        corrected=pipelines,
        sampler=_sampler(sets),
        dataset=textwrap.indent(dataset, '    ').lstrip(),
        dense_source=DENSE_SOURCE if has_more else '',
    )


def _sampler(sets: DataSets) -> str:
    """Returns the text of the sampler."""
    numbers = dict(sets.labelled)
    if sets.train.unlabelled:
        numbers[NO_LABEL] = len(sets.train.unlabelled)
    ratio = drawing_ratio(numbers)
    least = math.gcd(*numbers.values())
    if ratio == {kind: n // least for kind, n in numbers.items()}:
        return "dict(type='InfiniteSampler', shuffle=True)"
    shares = ', '.join(f'{kind}={n}' for kind, n in ratio.items())
    return SAMPLER.format(ratio=f'dict({shares})')


def _dataset(pipeline: str, labels: Path, part: Material, names: Path) -> str:
    """Returns the text of a data set."""
    return DATASET.format(
        names=names.as_posix(),
        images=part.images.as_posix(),
        labels=labels.as_posix(),
        pipeline=pipeline,
    )


def _of_validation(sets: DataSets, folder: Path) -> dict[str, str]:
    """Returns the lines that depend on the validation."""
    val = sets.val
    if val is None:
        return dict(
            save_best='\n        save_best=None,',
            test_cfg='test_cfg = None\n',
        )
    best = f'\n        save_best={PROXY!r},' if sets.proxy else ''
    return dict(
        val_suffix=val.suffix,
        val_list=(folder / 'val.txt').as_posix(),
        val_images=val.images.as_posix(),
        val_labels=val.labels.as_posix(),
        evaluator="dict(type='WeakPixelAccuracy')"
        if sets.proxy
        else IOU_METRICS,
        save_best=best,
        test_cfg='',
    )


def _fill_reasons(template: str, reasons: dict[str, str]) -> str:
    """Writes reasons as comments, with the indents of their lines."""

    def fill(line: re.Match) -> str:
        comment = _comment(reasons[line[2]], line[1])
        # `format` fills the values afterwards, and keeps doubled braces.
        return comment.replace('{', '{{').replace('}', '}}')

    return _REASON.sub(fill, template)


def _comment(reason: str, indent: str) -> str:
    """Returns a reason as comment lines."""
    reason = f'{reason[:1].upper()}{reason[1:]}.'
    start = f'{indent}# '
    return textwrap.fill(
        reason,
        79,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
    )


def _base(folder: Path, path: Path) -> str:
    """Returns the path of a fragment, seen from the config's folder.

    A folder behind a link has two paths, and `..` means another folder in
    each of them: it gets an absolute path.
    """
    path, real = path.resolve(), folder.resolve()
    if real == Path(os.path.abspath(folder)):
        path = Path(os.path.relpath(path, real))
    return path.as_posix()


def _literal(value: Any) -> str:
    """Returns a value as Python text, in lines for an indent of 4."""
    text = pprint.pformat(value, width=70, compact=True)
    return text.replace('\n', '\n    ')


def _test_resize(plan: Plan, material: Material) -> str:
    """Returns the step that scales large images in validation."""
    if plan.scale.value == tuple(sorted(material.size, reverse=True)):
        return ''
    return "    dict(type='Resize', scale=scale, keep_ratio=True),\n"
