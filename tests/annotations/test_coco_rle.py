"""The run-length code of COCO, compared with pycocotools."""

from __future__ import annotations

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.annotations.coco_rle import decode_runs, read_counts

WIDTH, HEIGHT = SIZE = 40, 30
# Beyond the border, too, and on the tenths where pycocotools rounds.
COORDINATES = st.integers(-200, 600).map(lambda value: value / 10)
POLYGONS = st.lists(
    st.lists(COORDINATES, min_size=6, max_size=16).map(
        lambda values: values[: len(values) // 2 * 2]
    ),
    min_size=1,
    max_size=3,
)


def drawn(counts: np.ndarray) -> np.ndarray:
    mask, left = decode_runs(counts, SIZE)
    image = np.zeros((HEIGHT, WIDTH), bool)
    image[:, left : left + mask.shape[1]] = mask
    assert not mask.size or (mask[:, 0].any() and mask[:, -1].any())
    return image


@settings(max_examples=200)
@given(polygons=POLYGONS)
def test_decode_runs_draws_polygons_as_pycocotools(polygons):
    coco = pycocotools.mask
    runs = coco.merge(coco.frPyObjects(polygons, HEIGHT, WIDTH))
    found = drawn(read_counts(runs['counts']))
    np.testing.assert_array_equal(found, coco.decode(runs) > 0)


@pytest.mark.parametrize('share', [0, 0.02, 0.5, 0.98, 1])
def test_decode_runs_draws_masks_as_pycocotools(share):
    rng = np.random.default_rng(0)
    mask = np.asfortranarray(rng.random((HEIGHT, WIDTH)) < share)
    runs = pycocotools.mask.encode(mask.astype(np.uint8, order='F'))
    np.testing.assert_array_equal(drawn(read_counts(runs['counts'])), mask)


def test_read_counts_reads_large_numbers():
    """Lengths whose code has several characters, rising and falling."""
    large = np.zeros((2000, 5000), np.uint8, order='F')
    large[5, 7], large[40:1800, 3000:3010], large[5, 4999] = 1, 1, 1
    counts = read_counts(pycocotools.mask.encode(large)['counts'])
    changes = np.flatnonzero(np.diff(large.ravel(order='F'))) + 1
    ends = [*changes.tolist(), large.size]
    assert np.cumsum(counts).tolist() == ends


@pytest.mark.parametrize('code', [b'', b'?', b'o', b'04P2', b'0 4'])
def test_decode_runs_rejects_other_codes(code):
    with pytest.raises(ValueError, match='its counts'):
        decode_runs(read_counts(code), SIZE)


@pytest.mark.parametrize(
    'counts', [[], [1200, 1], [1199], [-1, 1201], [2**62] * 3 + [2**62 + 1200]]
)
def test_decode_runs_rejects_runs_that_do_not_fill_the_image(counts):
    with pytest.raises(ValueError, match='its counts'):
        decode_runs(np.array(counts, np.int64), SIZE)


def test_decode_runs_needs_no_mask_of_the_image():
    """A small shape of an image whose mask would take 10 TB."""
    size = 10**7, 10**6
    mask, left = decode_runs(np.array([5 * 10**12, 3, 5 * 10**12 - 3]), size)
    assert mask.shape == (10**6, 1) and left == 5 * 10**6
    assert np.flatnonzero(mask).tolist() == [0, 1, 2]
