"""Files that lie in the folders of a data set and are not in it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from mmseg_sesam.datasets.validation.findings import WARNING, Finding
from mmseg_sesam.datasets.validation.splits import Split
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_files


def judge_left_out_images(splits: Sequence[Split]) -> list[Finding]:
    """Looks for images that mmseg does not list because of their suffix.

    It takes the files that end in `img_suffix`, in its very letters. Where a
    list names the images, files that are not listed are meant to be left
    out.

    Args:
        splits: from `read_splits`.
    """
    used, findings = _used(splits), []
    for split in _once(splits):
        if split.folder.is_listed:
            continue
        files = list_files(split.folder.images, IMAGE_SUFFIXES)
        others = [
            str(path)
            for path in files
            if os.path.abspath(path) not in used
            and not split.folder.is_label(str(path))
        ]
        if not others:
            continue
        labelled = sum(
            os.path.isfile(split.folder.label_of(path)) for path in others
        )
        what = (
            'images are left out, whose names do not end in img_suffix='
            f'{split.folder.img_suffix!r}'
        )
        if split.labels:
            what += f'; {labelled} of them have labels'
        remedy = (
            'rename them, correct img_suffix, or join a second data set of '
            'the other suffix by ConcatDataset'
        )
        findings.append(
            Finding(WARNING, split.name, what, remedy, tuple(others))
        )
    return findings


def judge_spare_labels(
    splits: Sequence[Split], faulty: Collection[str] = ()
) -> list[Finding]:
    """Looks for labels whose images are in no data set.

    Dense labels of which a list chooses some are meant to lie there.

    Args:
        splits: all of a config's, from `read_splits`.
        faulty: names of those with other faults, which explain such labels.
    """
    used, findings = _used(splits), []
    for split in _once(splits):
        folder = split.folder
        chosen = folder.is_listed and not split.sparse
        if not split.labels or chosen or split.name in faulty:
            continue
        # Labels of images that are left out are told of there.
        left_out = {
            os.path.abspath(folder.label_of(str(path)))
            for path in list_files(folder.images, IMAGE_SUFFIXES)
            if not folder.is_listed
        }
        spare = tuple(
            str(path)
            for path in list_files(folder.labels, folder.seg_map_suffix)
            if os.path.abspath(path) not in used | left_out
        )
        if spare:
            place = 'listed in ann_file' if folder.is_listed else 'in img_path'
            what = f'labels belong to no image {place}'
            remedy = 'add the images, or take the labels away'
            findings.append(Finding(WARNING, split.name, what, remedy, spare))
    return findings


def _used(splits: Sequence[Split]) -> set[str]:
    """Absolute paths of all files of all data sets."""
    paths = (path for s in splits for path in (*s.images, *s.labels))
    return set(map(os.path.abspath, paths))


def _once(splits: Sequence[Split]) -> Iterator[Split]:
    """Data sets that mmseg lists, one for each pair of folders."""
    seen = set()
    for split in splits:
        if split.folder is None or split.folder in seen:
            continue
        seen.add(split.folder)
        if Path(split.folder.images).is_dir():
            yield split
