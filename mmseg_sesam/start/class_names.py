"""Finds names of classes that may be misspelt."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping

from mmseg_sesam.annotations.files import shortened, shown

_REMEDY = 'correct the labels if they mean one class'


def misspelt_names(images: Mapping[str, int]) -> Iterator[str]:
    """Yields a sentence for each group of names that may mean one class.

    Args:
        images: number of images with a label of the class, by its name.

    Example:
        >>> [*misspelt_names({'sky': 9, 'ksy': 1, 'tree': 8})]
        ["'ksy' in one image is similar to 'sky'; correct the labels if ..."]
    """
    alike = defaultdict(list)
    for name in images:
        alike[name.strip().casefold()].append(name)
    for names in alike.values():
        if len(names) > 1:
            yield (
                f'{shortened(map(shown, names))} differ in spaces, or in '
                f'upper and lower case; {_REMEDY}.'
            )
    # A label that is typed wrong is usually so in one image.
    frequent = [key for key in alike if _number(images, alike[key]) > 1]
    for key, names in alike.items():
        if _number(images, names) != 1:
            continue
        for similar in difflib.get_close_matches(key, frequent, n=1):
            yield (
                f'{shown(names[0])} in one image is similar to '
                f'{shown(alike[similar][0])}; {_REMEDY}.'
            )


def _number(images: Mapping[str, int], names: list[str]) -> int:
    return sum(images[name] for name in names)
