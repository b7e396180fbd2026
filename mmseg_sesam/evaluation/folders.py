"""Compares folders of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
)
from mmseg_sesam.evaluation.matching import match_labels
from mmseg_sesam.io.labels import id_table, read_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files
from mmseg_sesam.io.terminal import Progress


def compare_folders(
    pseudo_dir: Path,
    gt_dir: Path,
    num_classes: int,
    suffixes: tuple[str, str] = ('', ''),
    reduce_zero_label: bool = False,
) -> dict[str, Any]:
    """Compares all pseudo-labels of a folder with their dense labels.

    `match_labels` finds their labels. Dense labels of a few images suffice.

    Args:
        pseudo_dir: folder of index images, at any depth. Files of `gt_dir`
            below it are no pseudo-labels.
        gt_dir: folder of dense index images, with 255 for void pixels.
        num_classes: number of classes.
        suffixes: ends of the names of pseudo-labels and of dense labels,
            without the file type, if they differ.
        reduce_zero_label: dense labels hold ids from 1, and 0 for
            unlabelled, as ADE20K's labels do.

    Returns:
        'images', the number of compared pseudo-labels; 'without dense label'
        and 'without pseudo-label', the relative paths of the other files;
        and 'quality', the result of `label_quality`.

    Raises:
        FileNotFoundError: there are no pseudo-labels, or none has a dense
            label.
        ValueError: a file is no label of `num_classes` classes, or a label
            may belong to two files.
    """
    paths = list_files(pseudo_dir, LABEL_SUFFIXES)
    if not paths:
        raise FileNotFoundError(
            f'{pseudo_dir} holds no PNG or TIFF files; give the folder of '
            'a round of pseudo-labels, or of the store.'
        )
    paths = _leave_out(paths, pseudo_dir, gt_dir)
    truths = match_labels(paths, pseudo_dir, gt_dir, suffixes)
    return {
        'images': len(truths.pairs),
        'without dense label': _names(truths.missing, pseudo_dir),
        'without pseudo-label': _names(truths.unused, gt_dir),
        'quality': _measure(
            truths.pairs, id_table(reduce_zero_label), num_classes
        ),
    }


def _leave_out(
    paths: list[Path], pseudo_dir: Path, gt_dir: Path
) -> list[Path]:
    """Returns the files that are not in the folder of dense labels.

    A dense label measured against itself would give 100%.
    """
    truth = gt_dir.resolve()
    # Pseudo-labels in a folder below the dense labels are still theirs.
    if truth in pseudo_dir.resolve().parents:
        return paths
    folders = {path.parent: path.parent.resolve() for path in paths}
    paths = [
        path
        for path in paths
        if truth not in (folders[path.parent], *folders[path.parent].parents)
    ]
    if not paths:
        raise FileNotFoundError(
            f'{pseudo_dir} holds only the dense labels of {gt_dir}, expected '
            'pseudo-labels; give their folder.'
        )
    return paths


def _measure(
    pairs: dict[Path, Path], table: np.ndarray, num_classes: int
) -> dict[str, Any]:
    """Returns the quality of the pseudo-labels, over all images."""
    total = np.zeros((num_classes, num_classes + 1), int)
    for path, truth_path in Progress(pairs.items(), desc='comparing', delay=2):
        truth, pseudo = table[read_label(truth_path)], read_label(path)
        try:
            total += confusion_matrix(truth, pseudo, num_classes)
        except ValueError as error:
            raise ValueError(
                f'{path} against {truth_path}: {error}.'
            ) from None
    return label_quality(total)


def _names(paths: Sequence[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]
