"""Sentences about problems that files have one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding

_CONVERT = 'tools/convert_annotations.py'
# Kind of problem -> level, what was found, remedy.
PROBLEMS = {
    'image damaged': (
        ERROR,
        'images cannot be decoded whole',
        'copy or download them again, save them as JPEG or PNG, or take them '
        'out of the list',
    ),
    'image turned': (
        WARNING,
        'images are turned while they are loaded, as their EXIF orientation '
        'says, and their labels are not',
        'make sure that labels were drawn on the turned image, or save '
        'images upright and without EXIF data',
    ),
    'image deep': (
        WARNING,
        'images of 16 bits hold small values, such as those of 12 bits, and '
        'training reads their upper 8 bits: nearly black',
        'scale them to 8 bits in their files (value / largest value * 255)',
    ),
    'image dark': (
        WARNING,
        'images are nearly black',
        'look at one; scale values to 0 to 255 if they are of another range',
    ),
    'image flat': (
        WARNING,
        'images have one colour in all pixels',
        'copy them again, or take them out of the list',
    ),
    'size': (
        ERROR,
        'labels differ in size from their images (width x height)',
        'label images at their own size, and resize neither of them alone',
    ),
    'label damaged': (
        ERROR,
        'labels cannot be decoded whole',
        'write them again as 8-bit PNG',
    ),
    'label JPEG': (
        ERROR,
        'labels are JPEG, which changes ids',
        'write them again from their source, as 8-bit PNG',
    ),
    'label rendered': (
        ERROR,
        "labels are RGB renderings in the palette's colours, not class ids",
        f'convert them with `{_CONVERT} color-png --colors TABLE`',
    ),
    'label triple': (
        ERROR,
        'labels hold the same value in all three channels, as those of '
        'Scribbles4All do, where 0 is unlabelled',
        f'convert them with `{_CONVERT} scribbles4all`, or keep one channel '
        'if 0 is a class',
    ),
    'label colours': (
        ERROR,
        'labels are colour images, not class ids',
        f'convert them with `{_CONVERT} color-png --colors TABLE`, or draw '
        'them again if they are photographs',
    ),
    'label depth': (
        ERROR,
        'labels are not of one channel of 8 bits',
        f'convert them with `{_CONVERT} index-png`',
    ),
    'label palette': (
        WARNING,
        "labels paint ids in other classes' colours, as programs do that "
        'sort a palette when they save',
        f'look at one; if colours are right and ids are not, save as RGB '
        f'and convert with `{_CONVERT} color-png --colors TABLE`',
    ),
}


def group_problems(
    split: str, problems: Iterable[dict[str, str]]
) -> list[Finding]:
    """Makes one finding of each kind of problem.

    Args:
        split: name of the data set.
        problems: of each pair of files, from `inspect_pair`.
    """
    files = defaultdict(list)
    for found in problems:
        for kind, text in found.items():
            files[kind].append(text)
    return [
        Finding(level, split, what, remedy, tuple(files[kind]))
        for kind, (level, what, remedy) in PROBLEMS.items()
        if kind in files
    ]
