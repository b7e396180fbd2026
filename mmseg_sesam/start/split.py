"""Splits a list of images for training and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Images of a block: enough that few images of a video have a neighbour in
# the other part (our choice).
_BLOCK = 10


def split_blocks(
    names: Sequence[str], share: float
) -> tuple[list[str], list[str]]:
    """Splits names in their order into training and validation.

    The validation consists of contiguous blocks, spread evenly over the
    list: neighbours in the order of names are often frames of one video, and
    a random choice would put nearly the same picture into both parts.

    Args:
        names: names of the images.
        share: share of the names for validation, above 0 and below 1.

    Returns:
        Names for training and for validation, both sorted.

    Raises:
        ValueError: one of the parts would be empty.

    Example:
        >>> split_blocks('abcdef', 0.34)
        (['a', 'b', 'e', 'f'], ['c', 'd'])
    """
    names = sorted(names)
    number = round(len(names) * share)
    if not 0 < number < len(names):
        raise ValueError(
            f'--val-share {share} of {len(names)} labelled images is '
            f'{number} images, expected at least one for training and one '
            'for validation; change the share, or label more images.'
        )
    blocks = -(-number // _BLOCK)
    chosen: set[str] = set()
    for block in range(blocks):
        size = number * (block + 1) // blocks - number * block // blocks
        begin = len(names) * block // blocks
        end = len(names) * (block + 1) // blocks
        first = begin + (end - begin - size) // 2
        chosen.update(names[first : first + size])
    return [name for name in names if name not in chosen], sorted(chosen)


def sole_images(
    held: Sequence[str], classes: Mapping[str, set[int]]
) -> dict[str, set[int]]:
    """Returns held-back images that alone show a class, with these classes.

    A network cannot learn a class that the validation alone shows. If several
    held-back images show it, the first of them is returned. It goes back to
    the training by itself: its neighbours stay in the validation, although
    they may show nearly the same.

    Args:
        held: names of the held-back images.
        classes: class ids that each image shows.

    Example:
        >>> sole_images(['b', 'c'], {'a': {0}, 'b': {0, 1}, 'c': {1}})
        {'b': {1}}
    """
    others = classes.keys() - {*held}
    known = set().union(*(classes[name] for name in others))
    found = {}
    for name in sorted(held):
        if alone := classes[name] - known:
            found[name] = alone
            known |= alone
    return found
