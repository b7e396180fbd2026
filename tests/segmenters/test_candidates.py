"""Candidates as low-resolution logits, in both geometries."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_sesam.segmenters.candidates import (
    DecodedBatch,
    Geometry,
    LogitCandidates,
)

SIDE = 1024


def make_geometry(size, padded):
    """The geometry of SAM 1, padded, or of SAM 2."""
    resized = [max(round(side * SIDE / max(size)), 1) for side in size]
    resized = tuple(resized) if padded else (SIDE, SIDE)
    return Geometry(size, resized, SIDE, padded)


@given(
    size=st.tuples(st.integers(32, 1500), st.integers(32, 1500)),
    padded=st.booleans(),
    detail=st.sampled_from([4, 16, 64]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25)
def test_contains_agrees_with_mask(size, padded, detail, seed):
    # From blobs to noise with four cells a grain.
    noise = torch.randn(
        2, 2, detail, detail, generator=torch.Generator().manual_seed(seed)
    )
    logits = torch.nn.functional.interpolate(
        noise, (256, 256), mode='bilinear'
    )
    batch = DecodedBatch([0, 1], logits, torch.zeros(2, 2))
    candidates = LogitCandidates([batch], make_geometry(size, padded))
    rng = np.random.default_rng(seed)
    rows, cols = (rng.integers(0, side, 20000) for side in size)
    inside = candidates.contains(rows, cols, slice(1, 2))
    assert inside.shape == (1, 2, 20000)
    assert inside.dtype == bool
    for index in range(2):
        mask = candidates.mask(1, index)
        assert mask.shape == size
        assert (inside[0, index] == mask[rows, cols]).mean() >= 0.995
        area = candidates.areas[1, index]
        # The pixels of a small image are a sample of the cells.
        chance = 2 * mask.size**0.5
        assert abs(area - mask.sum()) <= 0.02 * mask.size + chance


@pytest.mark.parametrize('padded', [True, False])
@pytest.mark.parametrize(
    'size', [(5, 2000), (2000, 5), (37, 1000), (300, 400), (1, 1)]
)
def test_areas_of_thin_images(size, padded):
    geometry = make_geometry(size, padded)
    logits = torch.full((1, 2, 256, 256), -1.0)
    # All of the image, and half of its longer side.
    logits[0, 0] = 1
    half = logits[0, 1] if size[0] >= size[1] else logits[0, 1].T
    half[:128] = 1
    batch = DecodedBatch([0], logits, torch.ones(1, 2))
    candidates = LogitCandidates([batch], geometry)
    whole, half = candidates.areas[0] / np.prod(size)
    assert abs(whole - 1) < 1e-6
    assert abs(half - 0.5) < 0.01


def test_mask_lies_at_the_point_in_both_geometries():
    size = (300, 900)
    for padded in (True, False):
        geometry = make_geometry(size, padded)
        x, y = geometry.resize_points(np.array([600.0, 200.0])) / 4
        rows, cols = np.mgrid[:256, :256]
        disc = 12 - np.hypot(rows - y, cols - x)
        logits = torch.tensor(disc, dtype=torch.float)[None, None]
        batch = DecodedBatch([0], logits, torch.ones(1, 1))
        mask = LogitCandidates([batch], geometry).mask(0, 0)
        centre = np.argwhere(mask).mean(axis=0)
        np.testing.assert_allclose(centre, [200, 600], atol=3)


def test_logit_candidates_follow_the_order_of_prompts():
    logits = torch.arange(3.0).reshape(3, 1, 1, 1) - 0.5
    logits = logits.expand(3, 1, 16, 16).contiguous()
    scores = torch.tensor([[0.2], [0.5], [1.5]])
    geometry = Geometry((10, 10), (16, 16), 16)
    batches = [
        DecodedBatch([2], logits[:1], scores[:1]),
        DecodedBatch([1, 0], logits[1:], scores[1:]),
    ]
    candidates = LogitCandidates(batches, geometry)
    assert candidates.scores.ravel().tolist() == [1, 0.5, np.float32(0.2)]
    assert [candidates.mask(i, 0).all() for i in range(3)] == [1, 1, 0]
    assert candidates.areas.ravel().tolist() == [100, 100, 0]


@given(
    size=st.tuples(st.integers(8, 300), st.integers(8, 300)),
    padded=st.booleans(),
    middle=st.tuples(st.integers(0, 63), st.integers(0, 63)),
    radius=st.floats(0.5, 20),
)
@settings(max_examples=50)
def test_window_holds_the_masks_and_little_more(size, padded, middle, radius):
    rows, cols = np.mgrid[:64, :64]
    disc = radius - np.hypot(rows - middle[0], cols - middle[1])
    logits = torch.tensor(disc, dtype=torch.float)[None, None]
    geometry = make_geometry(size, padded)
    batch = DecodedBatch([0], logits, torch.ones(1, 1))
    candidates = LogitCandidates([batch], geometry)
    rows, cols = np.indices(size).reshape(2, -1)
    inside = candidates.contains(rows, cols, slice(1))[0, 0]
    row0, col0, row1, col1 = candidates.window(slice(1))
    held = (rows >= row0) & (rows < row1) & (cols >= col0) & (cols < col1)
    assert held[inside].all()
    # Two cells on each side of the disc, and the rest of a pixel.
    cells = 2 * radius + 5
    for low, high, own, resized in zip(
        (row0, col0), (row1, col1), size, geometry.input_size
    ):
        assert high - low <= cells * SIDE / 64 * own / resized + 2
