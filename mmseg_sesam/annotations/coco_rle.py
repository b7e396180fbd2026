"""Run-length code of COCO's masks.

pycocotools decodes whole images, which takes a minute for 300 small objects of
4000 x 4000 pixels, and fills pixels that a damaged code leaves out with what
was in memory.
"""

from __future__ import annotations

import numpy as np

# A character is '0' plus six bits: five of a number, lowest ones first, and
# whether more of that number follow.
_ZERO, _BITS, _MORE, _SIGN = 48, 5, 0x20, 0x10
# Characters of a number that an image may need; pycocotools reads 32 bits.
_LONGEST = 7


def read_counts(code: bytes) -> np.ndarray:
    """Returns the lengths of runs, (N,) int64, of a compressed code.

    From the fourth run on, the code holds the difference from the length two
    runs before. Source: `rleFrString` of pycocotools.

    Raises:
        ValueError: the code is damaged.

    Example:
        >>> read_counts(b'042').tolist()
        [0, 4, 2]
    """
    chars = np.frombuffer(code, np.uint8).astype(np.int64) - _ZERO
    if not len(chars) or (chars < 0).any() or (chars >= 2 * _MORE).any():
        raise ValueError('its counts are no code of COCO')
    is_last = chars & _MORE == 0
    starts = np.flatnonzero(np.append(True, is_last[:-1]))
    lengths = np.diff(np.append(starts, len(chars)))
    if not is_last[-1] or lengths.max() > _LONGEST:
        raise ValueError('its counts are no code of COCO')
    places = _BITS * (np.arange(len(chars)) - np.repeat(starts, lengths))
    numbers = np.add.reduceat((chars & (_MORE - 1)) << places, starts)
    is_negative = chars[is_last] & _SIGN > 0
    counts = numbers - (is_negative.astype(np.int64) << _BITS * lengths)
    for first in (1, 2):
        counts[first::2] = np.cumsum(counts[first::2])
    return counts


def decode_runs(
    counts: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, int]:
    """Returns the columns of an image that hold a mask, and the first one.

    Other columns are left out, as an image may hold many small masks.

    Args:
        counts: (N,) lengths of runs along columns, outside and inside of the
            mask by turns.
        size: width and height of the image.

    Returns:
        (H, columns) bool mask, and the index of its left column.

    Raises:
        ValueError: the runs do not fill the image.

    Example:
        >>> decode_runs(np.array([5, 2, 1]), (4, 2))
        (array([[False,  True],
               [ True, False]]), 2)
    """
    width, height = size
    if (counts < 0).any():
        raise ValueError('its counts are no numbers from 0')
    # Counts above it could overflow their sum.
    ends = np.cumsum(counts.clip(max=width * height + 1))
    if ends[-1:].tolist() != [width * height]:
        raise ValueError('its counts do not fill the image')
    inner = 2 * np.flatnonzero(counts[1::2]) + 1
    if not len(inner):
        return np.zeros((height, 0), bool), 0
    runs = slice(inner[0], inner[-1] + 1)
    start, stop = ends[inner[0] - 1], ends[inner[-1]]
    left, right = start // height, -(-stop // height)
    columns = np.zeros((right - left, height), bool)
    pixels = slice(start - left * height, stop - left * height)
    is_inside = np.arange(len(counts)) % 2 > 0
    columns.ravel()[pixels] = np.repeat(is_inside[runs], counts[runs])
    return np.ascontiguousarray(columns.T), int(left)
