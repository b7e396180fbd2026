"""Writes Label Studio's brush code, apart from the package's decoder.

The layout is that of https://github.com/thi-ng/umbrella (packages/rle-pack),
which the editor uses: it packs runs, and values that differ in a row.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np

# Lengths of counters that the editor writes.
LENGTHS = (3, 4, 8, 16)


def encode_brush(
    mask: np.ndarray, word: int = 8, singles: int = 1
) -> list[int]:
    """Bytes of an (H, W) mask; runs up to `singles` long become values."""
    opaque = 2**word - 1
    pixels = [[0, opaque, 0, opaque if on else 0] for on in mask.ravel()]
    values = [value for pixel in pixels for value in pixel]
    bits = f'{len(values):032b}{word - 1:05b}'
    bits += ''.join(f'{length - 1:04b}' for length in LENGTHS)
    loose: list[int] = []
    for value, run in groupby(values):
        count = len([*run])
        if count <= singles:
            loose += [value] * count
            continue
        bits += _packets(loose, word, False)
        loose = []
        bits += _packets([value] * count, word, True)
    bits += _packets(loose, word, False)
    bits += '0' * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def _packets(values: list[int], word: int, repeated: bool) -> str:
    bits = ''
    while values:
        part, values = values[: 2**16], values[2**16 :]
        counter = len(part) - 1
        index = next(i for i, n in enumerate(LENGTHS) if counter < 2**n)
        bits += f'{repeated:b}{index:02b}{counter:0{LENGTHS[index]}b}'
        for value in part[:1] if repeated else part:
            bits += f'{value:0{word}b}'
    return bits
