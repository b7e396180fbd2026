"""The whole check of a config's data sets, and the cheap part of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from typing import Callable

import numpy as np
from mmengine.logging import print_log

from mmseg_sesam.datasets.validation.conventions import (
    class_counts,
    judge_classes,
    judge_emptiness,
    judge_ids,
    judge_unlabelled,
    summarise,
)
from mmseg_sesam.datasets.validation.files import Inspection, inspect_pair
from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding
from mmseg_sesam.datasets.validation.left_out import (
    judge_left_out_images,
    judge_spare_labels,
)
from mmseg_sesam.datasets.validation.lists import judge_lists
from mmseg_sesam.datasets.validation.problems import group_problems
from mmseg_sesam.datasets.validation.report import Report
from mmseg_sesam.datasets.validation.splits import Split, read_splits
from mmseg_sesam.io.terminal import Progress

_CHUNK = 16


def validate_datasets(cfg: dict, jobs: int = 1) -> Report:
    """Checks every image and label of a config.

    Args:
        cfg: a whole config.
        jobs: number of processes.

    Returns:
        What was found.

    Raises:
        ValueError: the config has no data set.
    """
    splits, findings = read_splits(cfg)
    findings += judge_lists(splits)
    faulty = {f.split for f in findings if f.level == ERROR}
    findings += judge_left_out_images(splits)
    findings += judge_spare_labels(splits, faulty)
    summaries = {}
    with ProcessPoolExecutor(jobs) as pool:
        for split in splits:
            labels = split.labels or repeat(None)
            found = pool.map(
                _inspector(split), split.images, labels, chunksize=_CHUNK
            )
            total = len(split.images)
            found = list(Progress(found, total=total, desc=split.name))
            paths, counts = _collect(split.labels, found)
            findings += _judge(split, found, paths, counts)
            findings += judge_emptiness(split, paths, counts)
            if len(counts):
                totals = class_counts(split, counts).sum(axis=0)
                findings += judge_classes(split, totals)
            summaries[split.name] = summarise(split, counts)
    return Report(findings, summaries)


def check_lists(
    cfg: dict,
    loaders: Sequence[str] = ('train', 'val'),
    samples: int = 5,
) -> None:
    """Checks names of files, and a few labels, in little time.

    Warnings are logged.

    Args:
        cfg: a whole config.
        loaders: those of 'train', 'val' and 'test' that are checked.
        samples: labels of each data set that are opened.

    Raises:
        ValueError: an image or a label is missing, or something else that
            training would fail by or learn wrongly.
    """
    splits, findings = read_splits(cfg, loaders)
    findings += judge_lists(splits) + judge_left_out_images(splits)
    for split in splits:
        count = min(samples, len(split.labels))
        places = np.linspace(0, len(split.labels) - 1, count).astype(int)
        images = [split.images[place] for place in places]
        labels = [split.labels[place] for place in places]
        found = list(map(_inspector(split, whole=False), images, labels))
        findings += _judge(split, found, *_collect(labels, found))
    errors = [str(f) for f in findings if f.level == ERROR]
    for finding in findings:
        if finding.level == WARNING:
            print_log(str(finding), logger='current', level=logging.WARNING)
    if errors:
        number = len(errors)
        raise ValueError(
            f'{errors[0]} Run tools/validate_dataset.py on the config to see '
            f'all ({number} {"error" if number == 1 else "errors"} so far).'
        )


def _inspector(
    split: Split, whole: bool = True
) -> Callable[[str, str | None], Inspection]:
    return partial(
        inspect_pair,
        colours=split.colours,
        with_image=split.is_readable,
        turns=split.turns,
        whole=whole,
    )


def _collect(
    labels: list[str], found: list[Inspection]
) -> tuple[list[str], np.ndarray]:
    """Labels that could be counted, and their (labels, 256) counts."""
    pairs = [
        (path, inspection.counts)
        for path, inspection in zip(labels, found)
        if inspection.counts is not None
    ]
    counts = np.array([count for _, count in pairs], np.int64)
    return [path for path, _ in pairs], counts.reshape(-1, 256)


def _judge(
    split: Split,
    found: list[Inspection],
    paths: list[str],
    counts: np.ndarray,
) -> list[Finding]:
    """What can be said of some of a data set's labels as well as of all."""
    return [
        *group_problems(split.name, (f.problems for f in found)),
        # Wrong ids explain why none of them means unlabelled.
        *(judge_ids(split, paths, counts) or judge_unlabelled(split, counts)),
    ]
