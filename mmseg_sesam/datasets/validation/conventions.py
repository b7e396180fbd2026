"""What the values in labels say of the convention they follow."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding
from mmseg_sesam.datasets.validation.splits import Split

_CITYSCAPES_CLASSES, _CITYSCAPES_LAST_ID = 19, 33
_CONVERT = 'tools/convert_annotations.py'
# Unlabelled pixels are most of the pixels in nearly all labels: our choice.
_MOST, _NEARLY_ALL = 0.5, 0.95
# Palettes with more grey levels would explain any value.
_FEW_GREYS = 64


def class_counts(split: Split, counts: np.ndarray) -> np.ndarray:
    """Counts pixels by class id, where files have values.

    Args:
        split: that the labels are of.
        counts: (labels, 256) pixels with each value.

    Returns:
        (labels, 256) pixels with each class id.
    """
    ids = np.zeros_like(counts)
    for value, class_id in enumerate(split.table):
        ids[:, class_id] += counts[:, value]
    return ids


def judge_ids(
    split: Split, paths: list[str], counts: np.ndarray
) -> list[Finding]:
    """Looks for ids that are no class.

    Args:
        split: that the labels are of.
        paths: of the labels.
        counts: (labels, 256) pixels with each value in the files.
    """
    if split.num_classes is None:
        return []
    ids = class_counts(split, counts)
    wrong = np.arange(256) >= split.num_classes
    wrong[split.ignore_index] = False
    concerned = np.flatnonzero(ids[:, wrong].any(axis=1))
    if not len(concerned):
        return []
    found = np.flatnonzero(ids.any(axis=0) & wrong)
    what = (
        f'labels hold the ids {_enumerate(found)}, expected ids below '
        f'{split.num_classes}, or {split.ignore_index} for unlabelled pixels'
    )
    remedy = _explain_ids(split, counts.sum(axis=0), set(found.tolist()))
    files = tuple(paths[i] for i in concerned)
    return [Finding(ERROR, split.name, what, remedy, files)]


def judge_unlabelled(split: Split, counts: np.ndarray) -> list[Finding]:
    """Looks for unlabelled pixels where labels are meant to have some.

    Args:
        split: that the labels are of.
        counts: (labels, 256) pixels with each value in the files.
    """
    if not (split.sparse and len(counts)):
        return []
    ids = class_counts(split, counts)
    ignored = ids[:, split.ignore_index].sum()
    if _zero_is_everywhere(split, counts) and not ignored:
        share = counts[:, 0].sum() / counts.sum()
        what = (
            f'0 covers {share:.0%} of the pixels and {split.ignore_index} '
            'never appears: 0 looks like unlabelled, as in Scribbles4All and '
            'ADE20K'
        )
        remedy = (
            'set reduce_zero_label=True in the data set if ids of classes '
            f'start at 1, or convert with `{_CONVERT}`; if 0 is a class and '
            'the labels are dense, train the _full config'
        )
    elif not ignored:
        value = counts.sum(axis=0).argmax()
        share = counts[:, value].sum() / counts.sum()
        what = (
            f'{split.ignore_index} never appears, so that no pixel is '
            f'unlabelled (the most frequent value is {value}, {share:.0%})'
        )
        remedy = (
            'if another value means unlabelled, convert with '
            f'`{_CONVERT} index-png --unlabelled VALUE`; if the labels are '
            'dense, train the _full config or add SimulateWeakLabel'
        )
    else:
        return []
    return [Finding(WARNING, split.name, what, remedy)]


def judge_emptiness(
    split: Split, paths: list[str], counts: np.ndarray
) -> list[Finding]:
    """Looks for labels without any class.

    Args:
        split: that the labels are of.
        paths: of the labels.
        counts: (labels, 256) pixels with each value in the files.
    """
    ids = class_counts(split, counts)
    ids[:, split.ignore_index] = 0
    empty = tuple(paths[i] for i in np.flatnonzero(~ids.any(axis=1)))
    if not empty:
        return []
    what = 'labels leave every pixel unlabelled'
    remedy = 'label some, or leave them to the teacher'
    return [Finding(WARNING, split.name, what, remedy, empty)]


def judge_classes(split: Split, totals: np.ndarray) -> list[Finding]:
    """Looks for classes that never appear.

    Args:
        split: that the labels are of.
        totals: (256,) pixels with each class id in the whole data set.
    """
    if split.num_classes is None:
        return []
    classes = totals[: split.num_classes]
    if not classes.any():
        # Nothing but wrong ids, which are told of already.
        if totals.sum() > totals[split.ignore_index]:
            return []
        what = 'no label holds any class'
        remedy = 'label some pixels, or correct data_prefix'
        return [Finding(ERROR, split.name, what, remedy)]
    absent = np.flatnonzero(classes == 0)
    if not len(absent):
        return []
    names = [
        f'{i} {split.classes[i]}' if i < len(split.classes) else str(i)
        for i in absent
    ]
    what = f'these classes never appear: {_enumerate(names)}'
    remedy = 'label some of them, or take them out of the classes'
    if split.num_classes == 2 and totals[255] and absent.tolist() == [1]:
        what += ' (and 255 does, which is the foreground in many masks)'
        remedy = 'write the foreground as 1, and 255 where nothing is known'
    return [Finding(WARNING, split.name, what, remedy)]


def summarise(split: Split, counts: np.ndarray) -> dict[str, Any]:
    """Counts labels and pixels, as JSON values.

    Args:
        split: that the labels are of.
        counts: (labels, 256) pixels with each value in the files.
    """
    ids = class_counts(split, counts)
    number = 256 if split.num_classes is None else split.num_classes
    valid = np.arange(256) < number
    valid[split.ignore_index] = False
    labelled = ids[:, valid].sum(axis=1)
    names = split.classes or tuple(map(str, range(number)))
    pixels = ids[:, :number].sum(axis=0).tolist()
    return dict(
        images=len(split.images),
        labels=len(counts),
        without_label=int((labelled == 0).sum()),
        labelled=float(labelled.sum() / counts.sum()) if len(counts) else None,
        pixels=dict(zip(names, pixels)) if len(counts) else {},
    )


def _explain_ids(split: Split, totals: np.ndarray, wrong: set[int]) -> str:
    """The convention that would explain wrong ids, as a remedy."""
    number = split.num_classes
    present = set(np.flatnonzero(totals).tolist()) - {split.ignore_index}
    if not split.is_direct:
        return (
            'correct the labels, or reduce_zero_label and classes, which '
            'change the ids in files'
        )
    value = max(wrong)
    is_most = totals[value] > _MOST * totals.sum()
    zero_is_most = totals[0] > _MOST * totals.sum()
    if wrong == {number} and (zero_is_most or not (is_most or totals[0])):
        return (
            'ids seem to start at 1, with 0 for unlabelled, as in ADE20K: set '
            'reduce_zero_label=True in the data set'
        )
    if wrong == {number} or len(wrong) == 1 and is_most:
        return (
            f'{value} seems to mean unlabelled, as 21 does in some scribbles '
            f'for VOC and 19 for Cityscapes: convert with `{_CONVERT} '
            f'index-png --unlabelled {value}`'
        )
    if number == _CITYSCAPES_CLASSES and max(present) <= _CITYSCAPES_LAST_ID:
        return (
            'they seem to be labelIds of Cityscapes: set seg_map_suffix to '
            "end in '_labelTrainIds.png', or convert with "
            f'`{_CONVERT} cityscapes-coarse`'
        )
    colours = np.array(split.palette or [[0, 0, 0]])[:, :3]
    greys = {0, *np.rint(colours @ [0.299, 0.587, 0.114]).astype(int).tolist()}
    if len(greys) < _FEW_GREYS and present <= greys:
        return (
            "they are the grey levels of the palette's colours: take the RGB "
            f'renderings and convert them with `{_CONVERT} color-png '
            '--colors TABLE`'
        )
    return 'correct the labels, or num_classes'


def _zero_is_everywhere(split: Split, counts: np.ndarray) -> bool:
    if split.table[0] == split.ignore_index:
        return False
    most = counts[:, 0] > _MOST * counts.sum(axis=1)
    return most.mean() >= _NEARLY_ALL


def _enumerate(things: Any, most: int = 12) -> str:
    texts = [str(thing) for thing in things]
    more = len(texts) - most
    return ', '.join(texts[:most]) + (f' and {more} more' if more > 0 else '')
