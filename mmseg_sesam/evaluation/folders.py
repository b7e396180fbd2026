"""Comparing folders of label maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmseg_sesam.io.labels import id_table, read_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, visible_files
from mmseg_sesam.terminal import Progress

from .label_quality import confusion_matrix, label_quality


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

    A pseudo-label belongs to the dense label whose path ends alike, so that
    JPEGImages/a.png finds SegmentationClass/a.png.

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
        'images', their number, and 'quality': by kind of label what
        `label_quality` gives; the kinds are 'pseudo-labels' and, with
        `weak_dir`, 'weak labels' and 'added by pseudo-labels'.

    Raises:
        FileNotFoundError: there are no pseudo-labels, or one has no dense
            (or weak) label.
        ValueError: a file is no label of `num_classes` classes.
    """
    paths = visible_files(pseudo_dir, LABEL_SUFFIXES)
    if not paths:
        raise FileNotFoundError(
            f'{pseudo_dir} holds no PNG or TIFF files; give the folder of '
            'a round of pseudo-labels, or of the store.'
        )
    classes = num_classes, ignore_index
    table = id_table(reduce_zero_label)
    totals: dict[str, np.ndarray | int] = {}
    for path in Progress(paths, desc='comparing', delay=2):
        relative = path.relative_to(pseudo_dir)
        truth_path = same_ending(relative, gt_dir, suffixes)
        truth, pseudo = table[read_label(truth_path)], read_label(path)
        names = f'{path} against {truth_path}'
        counts = {'pseudo-labels': _count(names, truth, pseudo, *classes)}
        if weak_dir:
            weak_path = same_ending(relative, weak_dir, weak_suffixes)
            weak = table[read_label(weak_path)]
            names = f'{weak_path} against {truth_path}'
            counts['weak labels'] = _count(names, truth, weak, *classes)
            unlabelled = np.where(weak == ignore_index, truth, ignore_index)
            counts['added by pseudo-labels'] = _count(
                names, unlabelled, pseudo, *classes
            )
        for name, confusion in counts.items():
            totals[name] = totals.get(name, 0) + confusion
    quality = {name: label_quality(total) for name, total in totals.items()}
    return dict(images=len(paths), quality=quality)


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


def same_ending(
    relative: Path, folder: Path, suffixes: tuple[str, str]
) -> Path:
    """Finds the label whose path ends as that of another file does.

    Args:
        relative: path of the other file.
        folder: of the labels.
        suffixes: ends of the names of the other file and of the label,
            without the file type; that of the label may be another.

    Returns:
        The path of the label.

    Raises:
        FileNotFoundError: there is none.
    """
    image, label = suffixes
    name = relative.stem.removesuffix(image) + label
    capital = map(str.upper, LABEL_SUFFIXES)
    endings = dict.fromkeys((relative.suffix, *LABEL_SUFFIXES, *capital))
    parts = relative.parent.parts
    for start in range(len(parts) + 1):
        for ending in endings:
            candidate = folder.joinpath(*parts[start:], name + ending)
            if candidate.is_file():
                return candidate
    raise FileNotFoundError(
        f'{folder} holds no label for {relative} (looked for '
        f'{name}{relative.suffix}, and for other file types); give the '
        'matching folder, or if the names end differently their ends '
        '(--gt-suffix, --weak-suffix).'
    )
