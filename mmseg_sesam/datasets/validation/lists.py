"""Checks of names alone; no file is opened."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding
from mmseg_sesam.datasets.validation.splits import Split
from mmseg_sesam.store.store import sample_key


def judge_lists(splits: Sequence[Split]) -> list[Finding]:
    """Looks for missing files, lists that stray and names that collide.

    Names of files come from lists, which may come from anywhere: none may
    lead out of the folders that the config names, by '..' or as an absolute
    path. Links are made by whoever owns the folder, so one that leads out
    is a warning, unless the name goes through '..' as well.

    Args:
        splits: from `read_splits`.

    Returns:
        What is wrong.
    """
    findings = []
    for split in splits:
        findings += _astray(split)
        findings += _missing(split)
        findings += _twice(split)
    return findings + _colliding(splits)


def _missing(split: Split) -> list[Finding]:
    findings = []
    if not split.images:
        what = 'the data set has no images'
        remedy = 'correct data_prefix, img_suffix or the list'
        findings.append(Finding(ERROR, split.name, what, remedy))
    for kind, paths in (('images', split.images), ('labels', split.labels)):
        missing = tuple(path for path in paths if not os.path.isfile(path))
        if missing:
            suffix = 'img_suffix' if kind == 'images' else 'seg_map_suffix'
            remedy = (
                'add them, take their names out of the list (one name a '
                f'line, without suffix), or correct {suffix}'
                f'{_neighbour(missing[0])}'
            )
            what = f'{kind} are missing'
            findings.append(Finding(ERROR, split.name, what, remedy, missing))
    return findings


def _neighbour(path: str) -> str:
    """Names a file that is there, as an example of what names are like."""
    try:
        with os.scandir(os.path.dirname(path)) as entries:
            name = next((entry.name for entry in entries), None)
    except (OSError, ValueError):
        return ''
    return f' (its folder holds {name})' if name else ''


def _astray(split: Split) -> list[Finding]:
    """Files outside of the folders that the config names."""
    roots = [os.path.join(folder, '') for folder in split.folders]
    real_roots = [
        os.path.join(os.path.realpath(folder), '') for folder in split.folders
    ]
    real_folder = lru_cache(maxsize=None)(os.path.realpath)
    strays, linked = [], []
    for path in [*split.images, *split.labels]:
        if not os.path.abspath(path).startswith(tuple(roots)):
            strays.append(path)
            continue
        try:
            is_link = stat.S_ISLNK(os.lstat(path).st_mode)
        # Missing, or no possible name.
        except (OSError, ValueError):
            continue
        if is_link:
            real = os.path.realpath(path)
        else:
            folder, name = os.path.split(path)
            real = os.path.join(real_folder(folder), name)
        if not real.startswith(tuple(real_roots)):
            (strays if os.pardir in path.split('/') else linked).append(path)
    findings = []
    if strays:
        what = 'files lie outside of data_root and data_prefix'
        remedy = "write names without '..' and not as absolute paths"
        strays = tuple(strays)
        findings.append(Finding(ERROR, split.name, what, remedy, strays))
    if linked:
        what = 'files are reached through links out of data_root'
        remedy = 'make sure that these links are meant'
        linked = tuple(linked)
        findings.append(Finding(WARNING, split.name, what, remedy, linked))
    return findings


def _twice(split: Split) -> list[Finding]:
    seen: set[str] = set()
    again = tuple(p for p in split.images if p in seen or seen.add(p))
    what = 'images are listed more than once'
    remedy = 'take them out of the list, or use RepeatDataset'
    return [Finding(WARNING, split.name, what, remedy, again)] * bool(again)


def _colliding(splits: Sequence[Split]) -> list[Finding]:
    """Images that would share a pseudo-label."""
    named: dict[str, dict[str, str]] = defaultdict(dict)
    outside = defaultdict(list)
    for split in splits:
        for path in split.images if split.key_root is not None else ():
            try:
                key = sample_key(path, split.key_root)
            except ValueError:
                outside[split.name].append(path)
            else:
                named[key].setdefault(os.path.normpath(path), split.name)
    findings = []
    for name, paths in outside.items():
        what = 'images lie outside of data_root of LoadPseudoLabel'
        remedy = 'set it to the folder that holds all training images'
        findings.append(Finding(ERROR, name, what, remedy, tuple(paths)))
    colliding = defaultdict(list)
    for key, paths in named.items():
        if len(paths) > 1:
            last = list(paths.values())[-1]
            colliding[last].append(f'{" and ".join(paths)}: {key}')
    for name, texts in colliding.items():
        what = 'pseudo-labels would belong to several images'
        remedy = 'give images names that differ in more than the suffix'
        findings.append(Finding(ERROR, name, what, remedy, tuple(texts)))
    return findings
