"""Comparing folders of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
)
from mmseg_sesam.evaluation.matching import match_labels, name_some
from mmseg_sesam.io.labels import id_table, read_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files
from mmseg_sesam.io.terminal import Progress


def compare_folders(
    pseudo_dir: Path,
    gt_dir: Path,
    num_classes: int,
    weak_dir: Path | None = None,
    suffixes: tuple[str, str] = ('', ''),
    weak_suffixes: tuple[str, str] = ('', ''),
    reduce_zero_label: bool = False,
    ignore_index: int = 255,
) -> dict[str, Any]:
    """Compares all pseudo-labels of a folder with their dense labels.

    `match_labels` finds the dense and the weak label of each pseudo-label.
    Pseudo-labels without a dense label are left out, and the result says
    so; the dense labels of a few images are enough.

    Args:
        pseudo_dir: folder of index images, at any depth.
        gt_dir: folder of dense index images.
        num_classes: number of classes.
        weak_dir: folder of weak index images, to tell what was added to them.
        suffixes: ends of the names of pseudo-labels and of dense labels,
            without the file type, where they differ.
        weak_suffixes: the same of pseudo-labels and of weak labels.
        reduce_zero_label: dense and weak labels hold ids from 1, and 0 where
            there is none, as those of ADE20K do.
        ignore_index: the value of void and of unlabelled pixels.

    Returns:
        'images', the number of pseudo-labels that were compared; 'without
        dense label' and 'without pseudo-label', the paths of the other
        pseudo-labels and dense labels, relative to their folders; and
        'quality': by kind of label what `label_quality` gives; the kinds
        are 'pseudo-labels' and, with `weak_dir`, 'weak labels' and 'added
        by pseudo-labels'.

    Raises:
        FileNotFoundError: there are no pseudo-labels, none has a dense
            label, or one that has a dense label has no weak label.
        ValueError: a file is no label of `num_classes` classes, or it is
            not clear which labels belong together.
    """
    paths = list_files(pseudo_dir, LABEL_SUFFIXES)
    if not paths:
        raise FileNotFoundError(
            f'{pseudo_dir} holds no PNG or TIFF files; give the folder of '
            'a round of pseudo-labels, or of the store.'
        )
    truths = match_labels(paths, pseudo_dir, gt_dir, suffixes)
    weak_paths = {}
    if weak_dir:
        weak_paths = _find_weak(
            list(truths.pairs), pseudo_dir, weak_dir, weak_suffixes
        )
    classes = num_classes, ignore_index
    table = id_table(reduce_zero_label)
    totals: dict[str, np.ndarray | int] = {}
    for path, truth_path in Progress(
        truths.pairs.items(), desc='comparing', delay=2
    ):
        truth, pseudo = table[read_label(truth_path)], read_label(path)
        names = f'{path} against {truth_path}'
        counts = {'pseudo-labels': _count(names, truth, pseudo, *classes)}
        if weak_dir:
            weak = table[read_label(weak_paths[path])]
            names = f'{weak_paths[path]} against {truth_path}'
            counts['weak labels'] = _count(names, truth, weak, *classes)
            unlabelled = np.where(weak == ignore_index, truth, ignore_index)
            counts['added by pseudo-labels'] = _count(
                names, unlabelled, pseudo, *classes
            )
        for name, confusion in counts.items():
            totals[name] = totals.get(name, 0) + confusion
    quality = {name: label_quality(total) for name, total in totals.items()}
    return {
        'images': len(truths.pairs),
        'without dense label': _names(truths.missing, pseudo_dir),
        'without pseudo-label': _names(truths.unused, gt_dir),
        'quality': quality,
    }


def _find_weak(
    paths: list[Path],
    pseudo_dir: Path,
    weak_dir: Path,
    suffixes: tuple[str, str],
) -> dict[Path, Path]:
    """The weak label of each pseudo-label; all must have one."""
    weak = match_labels(paths, pseudo_dir, weak_dir, suffixes)
    if weak.missing:
        raise FileNotFoundError(
            f'{weak_dir} holds no weak label for '
            f'{name_some(_names(weak.missing, pseudo_dir))}, expected one for '
            f'each of the {len(paths)} pseudo-labels compared; add it, or '
            'leave --weak-dir out.'
        )
    return weak.pairs


def _names(paths: Sequence[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def _count(
    names: str,
    truth: np.ndarray,
    label: np.ndarray,
    num_classes: int,
    ignore_index: int,
) -> np.ndarray:
    """A confusion matrix, or an error that names the files."""
    try:
        return confusion_matrix(truth, label, num_classes, ignore_index)
    except ValueError as error:
        raise ValueError(f'{names}: {error}.') from None
