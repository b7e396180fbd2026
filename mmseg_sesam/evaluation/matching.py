"""Finds the label file that belongs to each file, one to one."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files
from mmseg_sesam.io.names import check_unique, name_some


class Matches(NamedTuple):
    """Pairs of files and labels, and files without a counterpart.

    Attributes:
        pairs: label of each file, in the order of the files.
        missing: files without a label.
        unused: labels that no file uses.
    """

    pairs: dict[Path, Path]
    missing: list[Path]
    unused: list[Path]


def match_labels(
    files: Sequence[Path],
    root: Path,
    folder: Path,
    suffixes: tuple[str, str] = ('', ''),
) -> Matches:
    """Finds the label of each file by the end of its path.

    The path of a label in its folder, without file type, is the end of its
    file's path: `folder`/a.png belongs to images/a.jpg. If several labels
    fit, the one with the longest path is taken.

    A label may fit two files, such as images with equal names in two data
    roots. It then belongs to the file that has exactly its path below `root`,
    or else to the file in the nearest folder: one/labels/a.png belongs to
    one/images/a.jpg, not to two/images/a.jpg, and one/labels/b.png to no file
    of two/images. A label of another image would give a wrong number.

    Args:
        files: files below `root`.
        root: folder of the files; its own path is not compared.
        folder: folder of the labels, index images at any depth.
        suffixes: ends of the names of files and of labels, without the file
            type, if they differ.

    Raises:
        FileNotFoundError: no file has a label.
        ValueError: two files share one label, or two labels have one name.
    """
    labels = _list_labels(folder, suffixes[1])
    keys, claims = {}, defaultdict(list)
    for file in files:
        stem = file.stem.removesuffix(suffixes[0])
        keys[file] = file.relative_to(root).with_name(stem + suffixes[1])
        if end := _longest_end(keys[file], labels):
            claims[end].append(file)
    if not claims:
        file, key = next(iter(keys.items()))
        raise FileNotFoundError(
            f'{folder} holds no label for {file.relative_to(root)} (looked '
            f'for {key.name}.png, and for other file types) or any other of '
            f'{len(files)} files; give the matching folder, or if the names '
            'end differently their ends (--gt-suffix).'
        )
    exact = {
        end: own
        for end, claimants in claims.items()
        if (own := [file for file in claimants if keys[file] == end])
    }
    others = {end: claims[end] for end in claims if end not in exact}
    _keep_nearest(others, labels)
    pairs: dict[Path, Path] = {}
    for end, claimants in (exact | others).items():
        check_unique(
            ((folder, label) for label in labels[end]),
            remedy='remove one of them',
        )
        label = labels[end][0]
        pairs[_only_file(claimants, label, root, folder)] = label
    unused = {p for paths in labels.values() for p in paths}
    return Matches(
        pairs={file: pairs[file] for file in files if file in pairs},
        missing=[file for file in files if file not in pairs],
        unused=sorted(unused - {*pairs.values()}),
    )


def describe_left_out(
    kind: str, counterpart: str, names: Sequence[str]
) -> list[str]:
    """Returns a sentence on files without a counterpart, if there are any.

    Example:
        >>> describe_left_out('images', 'dense label', ['a', 'b'])
        ['Left out, without a dense label: 2 images (a, b).']
    """
    if not names:
        return []
    return [
        f'Left out, without a {counterpart}: {len(names)} {kind} '
        f'({name_some(names)}).'
    ]


def _list_labels(folder: Path, suffix: str) -> dict[Path, list[Path]]:
    """Returns label files by their path in the folder, without file type."""
    labels = defaultdict(list)
    for path in list_files(folder, LABEL_SUFFIXES):
        key = path.relative_to(folder).with_suffix('')
        if key.name.endswith(suffix):
            labels[key].append(path)
    return labels


def _only_file(
    files: list[Path], label: Path, root: Path, folder: Path
) -> Path:
    if len(files) > 1:
        raise ValueError(
            f'{label} would be the label of {files[0]} and of {files[1]}, '
            'expected one file for each label; '
            f'{_remedy(*files[:2], root, folder)}.'
        )
    return files[0]


def _longest_end(key: Path, labels: dict[Path, list[Path]]) -> Path | None:
    """Returns the longest end of a path that is the path of a label."""
    ends = (Path(*key.parts[start:]) for start in range(len(key.parts)))
    return next((end for end in ends if end in labels), None)


def _keep_nearest(
    claims: dict[Path, list[Path]], labels: dict[Path, list[Path]]
) -> None:
    """Drops files far from the folder of labels that several files fit.

    A far file is dropped from all labels of the folder: a label that fits
    only a far file belongs to a near file that is not in the list.
    """
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for end in claims:
        by_folder[labels[end][0].parent].append(end)
    for folder, ends in by_folder.items():
        if all(len(claims[end]) == 1 for end in ends):
            continue
        shared = {
            file: _shared_depth(file, folder)
            for end in ends
            for file in claims[end]
        }
        most = max(shared.values())
        for end in ends:
            claims[end] = [f for f in claims[end] if shared[f] == most]
            if not claims[end]:
                del claims[end]


def _shared_depth(one: Path, two: Path) -> int:
    """Returns the number of leading folders that two paths share."""
    ends = os.path.abspath(one), os.path.abspath(two)
    try:
        return len(Path(os.path.commonpath(ends)).parts)
    except ValueError:
        # On Windows, the paths lie on different drives.
        return 0


def _remedy(one: Path, two: Path, root: Path, folder: Path) -> str:
    """Returns what to do so that a label belongs to one of two files."""
    if one.parent == two.parent:
        return 'rename one of the two files'
    first, second = (
        path.parent.relative_to(root).parts for path in (one, two)
    )
    # The shortest end of the first folder's path that the second lacks.
    length = next(
        (n for n in range(1, len(first)) if first[-n:] != second[-n:]),
        len(first),
    )
    place = folder.joinpath(*first[-length:])
    remedy = (
        f'if it belongs to the first, put it and its neighbours into {place}'
    )
    if root == Path(root.anchor):
        return remedy
    depth = len(Path(os.path.commonpath([one, two])).parts) + 1
    parts = [Path(*path.parts[:depth]) for path in (one, two)]
    return f'{remedy}, or give only {parts[0]} or {parts[1]} to compare'
