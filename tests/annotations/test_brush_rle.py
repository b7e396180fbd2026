"""The code of Label Studio's brush."""

from __future__ import annotations

import numpy as np
import pytest
from brushes import encode_brush
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mmseg_sesam.annotations.brush_rle import decode_brush

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(mask=MASKS, word=st.integers(1, 32), singles=st.integers(0, 5))
def test_decode_brush_of_any_mask(mask, word, singles):
    code = bytes(encode_brush(mask, word, singles))
    np.testing.assert_array_equal(decode_brush(code, mask.shape[::-1]), mask)


@pytest.mark.parametrize('value', [False, True])
def test_decode_brush_of_a_long_run(value):
    mask = np.full((130, 130), value)
    mask[0, :2] = [True, False]
    for singles in (1, 10**6):
        code = bytes(encode_brush(mask, singles=singles))
        found = decode_brush(code, (130, 130))
        np.testing.assert_array_equal(found, mask)


def test_decode_brush_of_real_bytes():
    """The first bytes of a published export of an image of 3332 x 2527.

    https://huggingface.co/datasets/alkzar90/cell_benchmark
    """
    published = [2, 1, 233, 240, 57, 27, 255, 255, 255, 0]
    published += [255, 255, 224, 31, 255, 252, 3, 255, 255, 128, 127, 255]
    runs, rest = divmod(3332 * 2527 * 4, 2**16)
    # They hold the sizes, and then runs of 65536 values 0; a last run of 255
    # is ours.
    bits = ''.join(f'{byte:08b}' for byte in published[:6]) + '11111'
    bits += ('111' + 16 * '1' + 8 * '0') * runs
    bits += f'111{rest - 1:016b}{255:08b}'
    bits += '0' * (-len(bits) % 8)
    code = int(bits, 2).to_bytes(len(bits) // 8, 'big')
    assert [*code[: len(published)]] == published
    mask = decode_brush(code, (3332, 2527))
    assert mask.ravel()[-(rest // 4) :].all() and mask.sum() == rest // 4


@pytest.mark.parametrize(
    'change, said',
    [
        (lambda code: code[:-2], 'ends too early'),
        (lambda code: code[:3], 'ends too early'),
        (lambda code: b'', 'ends too early'),
        (lambda code: b'\0\0\0\5' + code[4:], '4 values a pixel'),
        (lambda code: code[:4] + b'\x39\x1b\xff\xff\xff\xff', 'more values'),
    ],
)
def test_decode_brush_rejects_damaged_codes(change, said):
    code = bytes(encode_brush(np.eye(3, dtype=bool)))
    with pytest.raises(ValueError, match=said):
        decode_brush(change(code), (3, 3))
