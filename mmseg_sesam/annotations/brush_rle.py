"""Run-length code of Label Studio's brush."""

from __future__ import annotations

import numpy as np

# The code holds four channels of a pixel; the last one is its opacity.
_CHANNELS = 4
_OPACITY = 3
# Bits of the number of values, of the bits of a value, and of each of four
# lengths of a run's counter.
_TOTAL, _WORD, _LENGTH, _LENGTHS = 32, 5, 4, 4


def decode_brush(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """Returns the (H, W) bool mask of a brush, True where it is not clear.

    The bits of the code are the number of values; the bits of a value, minus
    1; four lengths of counters, minus 1 each; and then packets. A packet
    begins with 1 for a repeated value or 0 for different ones, the index of
    a length in two bits, and a counter of that length that holds the number
    of values minus 1. Source: the RLE pack of
    https://github.com/thi-ng/umbrella, which Label Studio uses.

    Args:
        data: bytes of the code.
        size: width and height of the image.

    Raises:
        ValueError: the code does not fill the image.

    Example:
        >>> bits = f'{4:032b}' + f'{7:05b}' + f'{2:04b}' * 4
        >>> bits += '1' + '00' + f'{3:03b}' + f'{255:08b}' + '0' * 5
        >>> decode_brush(int(bits, 2).to_bytes(len(bits) // 8, 'big'), (1, 1))
        array([[ True]])
    """
    width, height = size
    mask = np.zeros(width * height, bool)
    total = _CHANNELS * mask.size
    bits = _Bits(data)
    if bits.read(_TOTAL) != total:
        raise ValueError(f'it does not hold {_CHANNELS} values a pixel')
    word = bits.read(_WORD) + 1
    lengths = [bits.read(_LENGTH) + 1 for _ in range(_LENGTHS)]
    start = 0
    while start < total:
        repeated = bits.read(1)
        stop = start + bits.read(lengths[bits.read(2)]) + 1
        if stop > total:
            raise ValueError('it holds more values than the image')
        # Pixels whose opacity is one of these values.
        pixels = slice(start // _CHANNELS, stop // _CHANNELS)
        if repeated:
            mask[pixels] = bits.read(word) > 0
        else:
            values = bits.read_words(stop - start, word)
            first = _CHANNELS * pixels.start + _OPACITY - start
            mask[pixels] = values[first::_CHANNELS]
        start = stop
    return mask.reshape(height, width)


class _Bits:
    """Reads numbers from a string of bits."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def read(self, count: int) -> int:
        """Returns the number in the next bits, at most 32."""
        start, self.place = self.place, self._after(count)
        # Bytes that hold the bits.
        part = self.data[start // 8 : (self.place + 7) // 8]
        number = int.from_bytes(part, 'big') >> (-self.place % 8)
        return number & ((1 << count) - 1)

    def read_words(self, count: int, word: int) -> np.ndarray:
        """Returns (count,) bool, True where the next word is not 0."""
        start, self.place = self.place, self._after(count * word)
        part = self.data[start // 8 : (self.place + 7) // 8]
        bits = np.unpackbits(np.frombuffer(part, np.uint8))
        bits = bits[start % 8 :][: count * word]
        return bits.reshape(count, word).any(1)

    def _after(self, count: int) -> int:
        if self.place + count > 8 * len(self.data):
            raise ValueError('it ends too early')
        return self.place + count
