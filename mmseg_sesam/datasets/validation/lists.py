"""Checks of file names; no file is opened."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import repeat

from mmseg_sesam.datasets.validation.findings import Finding
from mmseg_sesam.datasets.validation.splits import Split
from mmseg_sesam.io.listing import IMAGE_SUFFIXES, list_files
from mmseg_sesam.io.names import sample_key


def check_missing(split: Split) -> Iterator[Finding]:
    """Finds files that do not exist, and a data set without images.

    Where images without a label are allowed, some label has to exist.
    """
    if not split.images:
        yield split.error(
            'the data set has no images',
            'correct data_prefix, img_suffix or the list',
        )
    for kind, paths, suffix in (
        ('images', split.images, 'img_suffix'),
        ('labels', split.labels, 'seg_map_suffix'),
    ):
        missing = [path for path in paths if not os.path.isfile(path)]
        may_miss = kind == 'labels' and split.allows_unlabelled
        if not missing or (may_miss and len(missing) < len(paths)):
            continue
        remedy = 'take their names out of the list (one name a line, without '
        remedy += f'suffix), or correct {suffix}{_neighbour(missing[0])}'
        if may_miss:
            remedy = f"set kind='none' of LoadWeakAnnotations, or {remedy}"
        elif kind == 'labels' and split.sparse:
            remedy = (
                "set unlabelled='allow' of LoadWeakAnnotations to learn from "
                f'them by the teacher, {remedy}'
            )
        yield split.error(
            f'{kind} are missing', f'add them, {remedy}', missing
        )


def _neighbour(path: str) -> str:
    """Names an existing file of the folder, as an example."""
    try:
        with os.scandir(os.path.dirname(path)) as entries:
            name = next((entry.name for entry in entries), None)
    except (OSError, ValueError):
        return ''
    return f' (its folder holds {name})' if name else ''


def check_outside(split: Split) -> Iterator[Finding]:
    """Finds files outside of the folders that the config names.

    Lists of names may come from anywhere, so a name with '..' or an absolute
    path is an error. A link was made by the owner of the folder, so a link
    that leads out is a warning, unless the name goes through '..' as well.
    """
    if not split.folders:
        return
    roots = tuple(os.path.join(folder, '') for folder in split.folders)
    real_roots = tuple(
        os.path.join(os.path.realpath(folder), '') for folder in split.folders
    )
    real_folder = lru_cache(maxsize=None)(os.path.realpath)
    outside, linked = [], []
    for path in [*split.images, *split.labels]:
        if not os.path.abspath(path).startswith(roots):
            outside.append(path)
            continue
        try:
            is_link = stat.S_ISLNK(os.lstat(path).st_mode)
        # The file is missing, or the name is impossible.
        except (OSError, ValueError):
            continue
        folder, name = os.path.split(path)
        real = os.path.join(real_folder(folder), name)
        if is_link:
            real = os.path.realpath(path)
        if not real.startswith(real_roots):
            (outside if os.pardir in path.split('/') else linked).append(path)
    if outside:
        yield split.error(
            'files lie outside of data_root and data_prefix',
            "write names without '..' and not as absolute paths",
            outside,
        )
    if linked:
        yield split.warning(
            'files are reached through links out of data_root',
            'make sure that these links are meant',
            linked,
        )


def check_repeated(split: Split) -> Iterator[Finding]:
    """Finds images that a list names several times."""
    seen: set[str] = set()
    again = [p for p in split.images if p in seen or seen.add(p)]
    if again:
        yield split.warning(
            'images are listed more than once',
            'take them out of the list, or use RepeatDataset',
            again,
        )


def check_shared_keys(splits: Sequence[Split]) -> Iterator[Finding]:
    """Finds images that would share a pseudo-label."""
    named: dict[str, dict[str, Split]] = defaultdict(dict)
    named_splits = [split for split in splits if split.key_root is not None]
    roots = [split.key_root for split in named_splits]
    for split in named_splits:
        for path in split.images:
            try:
                key = sample_key(path, os.path.commonpath(roots))
            except ValueError:
                # Names that lead out of data_root have a finding already.
                continue
            named[key].setdefault(os.path.normpath(path), split)
    shared: dict[str, list[str]] = defaultdict(list)
    for key, paths in named.items():
        if len(paths) > 1:
            last = list(paths.values())[-1]
            shared[last.name].append(f'{" and ".join(paths)}: {key}')
    for split in splits:
        if split.name in shared:
            yield split.error(
                'pseudo-labels would belong to several images',
                'give images names that differ in more than the suffix',
                shared[split.name],
            )


def check_two_labels(splits: Sequence[Split]) -> Iterator[Finding]:
    """Finds images with two labels, which would share a pseudo-label."""
    seen: dict[str, tuple[str | None, str | None]] = {}
    for split in splits:
        if split.key_root is None:
            continue
        labels = split.labels or repeat(None)
        twice = []
        for path, label in zip(split.images, labels):
            own = label, split.kind
            if seen.setdefault(os.path.abspath(path), own) != own:
                twice.append(path)
        if twice:
            yield split.error(
                'images have another label in another data set, and a '
                'pseudo-label belongs to one',
                'take them out of one of the lists',
                twice,
            )


def check_left_out_images(splits: Sequence[Split]) -> Iterator[Finding]:
    """Finds images that mmseg does not list because of their suffix.

    mmseg lists the files that end in `img_suffix`, upper and lower case
    distinguished. Where a list names the images, other files are left out on
    purpose.
    """
    used = _used_files(splits)
    for split in _listed_once(splits):
        folder = split.folder
        if folder.is_listed:
            continue
        others = [
            path
            for path in map(str, list_files(folder.images, IMAGE_SUFFIXES))
            if os.path.abspath(path) not in used and not folder.is_label(path)
        ]
        if not others:
            continue
        labels = map(folder.label_of, others)
        number = sum(map(os.path.isfile, labels))
        with_label = f'; {number} of them have labels' if split.labels else ''
        yield split.warning(
            'images are left out, whose names do not end in img_suffix='
            f'{folder.img_suffix!r}{with_label}',
            'rename them, correct img_suffix, or join a second data set of '
            'the other suffix by ConcatDataset',
            others,
        )


def check_spare_labels(
    splits: Sequence[Split], faulty: Collection[str] = ()
) -> Iterator[Finding]:
    """Finds labels whose images are in no data set.

    Dense labels may lie unused on purpose where a list chooses images.
    Errors of the `faulty` data sets explain such labels.
    """
    used = _used_files(splits)
    for split in _listed_once(splits):
        folder = split.folder
        chosen = folder.is_listed and not split.sparse
        if not split.labels or chosen or split.name in faulty:
            continue
        # `check_left_out_images` reports these images.
        left_out = {
            os.path.abspath(folder.label_of(str(path)))
            for path in list_files(folder.images, IMAGE_SUFFIXES)
            if not folder.is_listed
        }
        spare = [
            str(path)
            for path in list_files(folder.labels, folder.seg_map_suffix)
            if os.path.abspath(path) not in used | left_out
        ]
        if spare:
            place = 'listed in ann_file' if folder.is_listed else 'in img_path'
            yield split.warning(
                f'labels belong to no image {place}',
                'add the images, or take the labels away',
                spare,
            )


def _used_files(splits: Sequence[Split]) -> set[str]:
    """Returns absolute paths of all files of all data sets."""
    paths = (path for s in splits for path in (*s.images, *s.labels))
    return set(map(os.path.abspath, paths))


def _listed_once(splits: Sequence[Split]) -> Iterator[Split]:
    """Yields one data set for each pair of folders that mmseg lists."""
    first = {split.folder: split for split in reversed(splits)}
    for split in splits:
        folder = split.folder
        if folder and first[folder] is split and os.path.isdir(folder.images):
            yield split
