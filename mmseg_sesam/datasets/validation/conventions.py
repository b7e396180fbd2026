"""Checks of the ids in labels, and of the convention they follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mmseg_sesam.datasets.validation.findings import Finding
from mmseg_sesam.datasets.validation.splits import Split
from mmseg_sesam.io.names import name_some
from mmseg_sesam.structures import DENSE, UNLABELLED

_CITYSCAPES_CLASSES, _CITYSCAPES_LAST_ID = 19, 33
_CONVERT = 'tools/convert_annotations.py'
# In nearly all weak labels most pixels are unlabelled (our choice).
_MOST, _NEARLY_ALL = 0.5, 0.95
# Palettes with more grey levels would explain any value (our choice).
_FEW_GREYS = 64
_LISTED = 12


@dataclass(frozen=True)
class Labels:
    """Pixel counts of a data set's labels.

    Attributes:
        split: the data set.
        paths: (N,) paths of the labels.
        counts: (N, 256) pixels with each value in the files.
    """

    split: Split
    paths: list[str]
    counts: np.ndarray

    @cached_property
    def ids(self) -> np.ndarray:
        """(N, 256) pixels with each class id."""
        ids = np.zeros_like(self.counts)
        for value, class_id in enumerate(self.split.table):
            ids[:, class_id] += self.counts[:, value]
        return ids

    @property
    def is_class(self) -> np.ndarray:
        """(256,) bool, whether an id is a class."""
        number = self.split.num_classes
        known = np.arange(256) < (256 if number is None else number)
        known[UNLABELLED] = False
        return known

    @property
    def wrong_ids(self) -> list[int]:
        """Ids in the labels that are neither a class nor unlabelled."""
        wrong = self.ids.any(axis=0) & ~self.is_class
        wrong[UNLABELLED] = False
        return np.flatnonzero(wrong).tolist()


def check_ids(labels: Labels) -> Iterator[Finding]:
    """Finds ids that are no class, or that the data set does not name."""
    split, wrong = labels.split, labels.wrong_ids
    unnamed = labels.counts.any(axis=0) & split.unnamed
    if unnamed.any():
        values = np.flatnonzero(unnamed).tolist()
        concerned = labels.counts[:, values].any(axis=1)
        yield split.error(
            f'labels hold the ids {name_some(values, _LISTED)}, which the '
            'data set does not name',
            'correct the labels, or give the ids names, as in file_classes '
            'of MappedSegDataset',
            (labels.paths[i] for i in np.flatnonzero(concerned)),
        )
        return
    if not wrong:
        return
    concerned = labels.ids[:, wrong].any(axis=1)
    yield split.error(
        f'labels hold the ids {name_some(wrong, _LISTED)}, expected ids below '
        f'{split.num_classes}, or 255 for unlabelled pixels',
        _explain_ids(split, labels.counts.sum(axis=0), wrong),
        (labels.paths[i] for i in np.flatnonzero(concerned)),
    )


def check_unlabelled(labels: Labels) -> Iterator[Finding]:
    """Finds weak labels without unlabelled pixels.

    Wrong ids, which `check_ids` reports, explain missing unlabelled pixels.
    """
    split, counts = labels.split, labels.counts
    if not split.sparse or not len(counts) or labels.wrong_ids:
        return
    if labels.ids[:, UNLABELLED].any():
        return
    shares = counts.sum(axis=0) / counts.sum()
    most = counts[:, 0] > _MOST * counts.sum(axis=1)
    if split.table[0] != UNLABELLED and most.mean() >= _NEARLY_ALL:
        yield split.warning(
            f'0 covers {shares[0]:.0%} of the pixels and 255 never appears: '
            '0 looks like unlabelled, as in Scribbles4All and ADE20K',
            'set reduce_zero_label=True in the data set if ids of classes '
            f'start at 1, or convert with `{_CONVERT}`; if 0 is a class and '
            'the labels are dense, train the _full config',
        )
    else:
        value = shares.argmax()
        yield split.warning(
            '255 never appears, so that no pixel is unlabelled (the most '
            f'frequent value is {value}, {shares[value]:.0%})',
            'if another value means unlabelled, convert with '
            f'`{_CONVERT} index-png --unlabelled VALUE`; if the labels are '
            "dense, set kind='dense' of LoadWeakAnnotations, train the _full "
            'config or add SimulateWeakLabel',
        )


def check_dense(labels: Labels) -> Iterator[Finding]:
    """Finds dense labels that leave most pixels unlabelled."""
    split, ids = labels.split, labels.ids
    if split.kind != DENSE or not len(ids):
        return
    share = ids[:, UNLABELLED].sum() / ids.sum()
    if share > _MOST:
        yield split.warning(
            f'{share:.0%} of the pixels of dense labels are unlabelled, and '
            'neither pseudo-labels nor the teacher label them',
            "set kind of LoadWeakAnnotations to 'coarse' if they are weak "
            'labels',
        )


def check_empty(labels: Labels) -> Iterator[Finding]:
    """Finds labels without any labelled pixel."""
    labelled = np.delete(labels.ids, UNLABELLED, axis=1)
    empty = np.flatnonzero(~labelled.any(axis=1))
    if len(empty):
        remedy = 'label some pixels, or take the images out of the list'
        if labels.split.sparse:
            remedy = (
                'label some pixels, or remove the files and set '
                "unlabelled='allow' of LoadWeakAnnotations to learn from "
                'their images by the teacher'
            )
        yield labels.split.warning(
            'labels leave every pixel unlabelled',
            remedy,
            (labels.paths[i] for i in empty),
        )


def check_absent_classes(joined: Sequence[Labels]) -> Iterator[Finding]:
    """Finds classes that never appear in data sets that are joined.

    A few dense images need not show all classes that scribbles have. The
    finding is of the first data set that has labels.
    """
    joined = [labels for labels in joined if len(labels.ids)]
    if not joined or joined[0].split.num_classes is None:
        return
    split = joined[0].split
    totals = sum(labels.ids.sum(axis=0) for labels in joined)
    absent = np.flatnonzero(totals[: split.num_classes] == 0)
    if len(absent) == split.num_classes:
        # `check_ids` reports labels that hold nothing but wrong ids.
        if not any(labels.wrong_ids for labels in joined):
            yield split.error(
                'no label holds any class',
                'label some pixels, or correct data_prefix',
            )
        return
    if not len(absent):
        return
    names = [' '.join([str(i), *split.classes[i : i + 1]]) for i in absent]
    what = f'these classes never appear: {name_some(names, _LISTED)}'
    remedy = (
        'label some of them in training images, or take them out of the '
        'classes'
        if split.name.startswith('train')
        else 'their accuracy is not measured, and training does not need '
        'them here; label some of them in these images to measure it'
    )
    if split.num_classes == 2 and totals[255] and absent.tolist() == [1]:
        what += ' (and 255 does, which is the foreground in many masks)'
        remedy = 'write the foreground as 1, and 255 where nothing is known'
    yield split.warning(what, remedy)


def summarise(labels: Labels) -> dict[str, Any]:
    """Returns numbers of labels and pixels, as JSON values."""
    split, counts = labels.split, labels.counts
    number = split.num_classes or 256
    labelled = labels.ids[:, labels.is_class].sum(axis=1)
    names = split.classes or tuple(map(str, range(number)))
    pixels = labels.ids[:, :number].sum(axis=0).tolist()
    return dict(
        kind=split.kind,
        images=len(split.images),
        labels=len(counts),
        without_label=int((labelled == 0).sum()),
        labelled=float(labelled.sum() / counts.sum()) if len(counts) else None,
        pixels=dict(zip(names, pixels)) if len(counts) else {},
    )


def _explain_ids(split: Split, totals: np.ndarray, wrong: list[int]) -> str:
    """Returns the remedy for the convention that explains wrong ids."""
    number, last = split.num_classes, wrong[-1]
    present = set(np.flatnonzero(totals).tolist()) - {UNLABELLED}
    if (split.table != np.arange(256)).any():
        return (
            'correct the labels, or reduce_zero_label and classes, which '
            'change the ids in files'
        )
    is_most, zero_is_most = totals[[last, 0]] > _MOST * totals.sum()
    if wrong == [number] and (zero_is_most or not (is_most or totals[0])):
        return (
            'ids seem to start at 1, with 0 for unlabelled, as in ADE20K: set '
            'reduce_zero_label=True in the data set'
        )
    if wrong == [number] or len(wrong) == 1 and is_most:
        return (
            f'{last} seems to mean unlabelled, as 21 does in some scribbles '
            f'for VOC and 19 for Cityscapes: convert with `{_CONVERT} '
            f'index-png --unlabelled {last}`'
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
