"""The whole check of a config's data sets, and its cheap part."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from mmengine.logging import print_log

from mmseg_sesam.datasets.validation.conventions import (
    Labels,
    check_absent_classes,
    check_dense,
    check_empty,
    check_ids,
    check_unlabelled,
    summarise,
)
from mmseg_sesam.datasets.validation.files import (
    Inspection,
    check_files,
    inspect_pair,
)
from mmseg_sesam.datasets.validation.findings import (
    ERROR,
    WARNING,
    Finding,
    Report,
)
from mmseg_sesam.datasets.validation.lists import (
    check_left_out_images,
    check_missing,
    check_outside,
    check_repeated,
    check_shared_keys,
    check_spare_labels,
    check_two_labels,
)
from mmseg_sesam.datasets.validation.splits import Split, read_splits
from mmseg_sesam.io.processes import map_in_processes
from mmseg_sesam.io.terminal import Progress

_CHUNK = 16
# Labels of each data set that the cheap check opens.
_SAMPLES = 5


def validate_datasets(cfg: dict, jobs: int = 1) -> Report:
    """Checks every image and label of a config.

    Args:
        cfg: a whole config.
        jobs: number of processes.

    Returns:
        The report.

    Raises:
        ChildProcessError: a process was killed.
        ValueError: the config has no data set.

    Example:
        >>> validate_datasets({'model': {}})
        Traceback (most recent call last):
        ...
        ValueError: The config has no data set for any of train, val, test...
    """
    splits, findings = read_splits(cfg)
    findings += _check_names(splits)
    faulty = {f.split for f in findings if f.level == ERROR}
    findings += check_left_out_images(splits)
    findings += check_spare_labels(splits, faulty)
    summaries, by_loader = {}, defaultdict(list)
    for split in splits:
        found = _inspect(split, jobs)
        labels = _collect(split, split.labels, found)
        findings += _check_some(labels, found)
        findings += check_empty(labels)
        by_loader[split.name.partition('[')[0]].append(labels)
        summaries[split.name] = summarise(labels)
    for joined in by_loader.values():
        findings += check_absent_classes(joined)
    return Report(findings, summaries)


def _inspect(split: Split, jobs: int) -> list[Inspection]:
    """Returns what is found in all files of a split."""
    name = split.name
    pairs = list(zip(split.images, split.labels or repeat(None)))
    if jobs == 1:
        # A single job needs no process of its own.
        return [_apply(split, pair) for pair in Progress(pairs, desc=name)]
    return [*map_in_processes(_apply, split, pairs, jobs, name, _CHUNK)]


def _apply(split: Split, pair: tuple[str, str | None]) -> Inspection:
    return inspect_pair(split, *pair)


def check_lists(cfg: dict, loaders: Sequence[str] = ('train', 'val')) -> None:
    """Checks names of files, and opens a few labels; logs warnings.

    Args:
        cfg: a whole config.
        loaders: some of 'train', 'val' and 'test'.

    Raises:
        ValueError: an image or a label is missing, or training would fail
            or learn something wrong for another reason.
    """
    splits, findings = read_splits(cfg, loaders)
    findings += _check_names(splits)
    findings += check_left_out_images(splits)
    for split in splits:
        count = min(_SAMPLES, len(split.labels))
        places = np.linspace(0, len(split.labels) - 1, count).astype(int)
        images = [split.images[place] for place in places]
        paths = [split.labels[place] for place in places]
        found = [
            inspect_pair(split, *pair, whole=False)
            for pair in zip(images, paths)
        ]
        findings += _check_some(_collect(split, paths, found), found)
    for finding in findings:
        if finding.level == WARNING:
            print_log(str(finding), logger='current', level=logging.WARNING)
    errors = [str(f) for f in findings if f.level == ERROR]
    if errors:
        number = len(errors)
        raise ValueError(
            f'{errors[0]} Run tools/validate_dataset.py on the config to see '
            f'all ({number} {"error" if number == 1 else "errors"} so far).'
        )


def _check_names(splits: Sequence[Split]) -> Iterable[Finding]:
    for split in splits:
        for check in (check_outside, check_missing, check_repeated):
            yield from check(split)
    yield from check_shared_keys(splits)
    yield from check_two_labels(splits)


def _check_some(
    labels: Labels, found: Sequence[Inspection]
) -> Iterable[Finding]:
    """Runs the checks that hold for some labels as well as for all."""
    yield from check_files(labels.split, found)
    yield from check_ids(labels)
    yield from check_unlabelled(labels)
    yield from check_dense(labels)


def _collect(
    split: Split, paths: list[str], found: Sequence[Inspection]
) -> Labels:
    """Returns the labels that could be counted."""
    counted = [pair for pair in zip(paths, found) if pair[1].counts]
    counts = np.array([f.counts for _, f in counted], np.int64)
    return Labels(split, [p for p, _ in counted], counts.reshape(-1, 256))
