"""Bands of rows, and the steps of the method that go band by band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mmseg_sesam.core import bands
from mmseg_sesam.core.appearance import measure_cells
from mmseg_sesam.core.bands import count_values, row_bands
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.evidence import Evidence, spread_pixels
from mmseg_sesam.core.fill_holes import fill_holes
from mmseg_sesam.core.labelled_pixels import LabelledPixels


@settings(max_examples=50)
@given(
    st.integers(1, 400),
    st.integers(1, 2**23),
    st.integers(1, 9),
    st.none() | st.integers(1, 2**23),
)
def test_row_bands_cover_each_row_once(height, width, multiple, pixels):
    found = list(row_bands((height, width), multiple, pixels))
    rows = [row for band in found for row in range(band.start, band.stop)]
    assert rows == list(range(height))
    assert all(band.start % multiple == 0 for band in found)


@settings(max_examples=50)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_count_values_counts_each_pixel(label):
    np.testing.assert_array_equal(
        count_values(label), np.bincount(label.ravel(), minlength=256)
    )


@pytest.fixture(params=[1, 700, 5000], ids='bands of {} pixels'.format)
def narrow(request, monkeypatch):
    """Replaces the size of bands by a small one when it is called."""
    return lambda: monkeypatch.setattr(bands, 'BAND_PIXELS', request.param)


@pytest.fixture(scope='module')
def label() -> np.ndarray:
    """Blocks of three classes and unlabelled pixels, with noise."""
    rng = np.random.default_rng(0)
    blocks = rng.choice(np.array([0, 1, 2, 255], np.uint8), (9, 13))
    label = blocks.repeat(11, axis=0).repeat(11, axis=1)
    label[rng.random(label.shape) < 0.05] = 255
    return label


def test_measure_cells_is_the_same_in_bands(narrow):
    image = np.random.default_rng(0).integers(0, 256, (301, 203, 3), np.uint8)
    whole = measure_cells(image)
    narrow()
    np.testing.assert_array_equal(measure_cells(image), whole)


def test_fill_holes_is_the_same_in_bands(narrow, label):
    shape = len(spread_pixels(label.shape)[0]), 3
    odds = np.random.default_rng(0).dirichlet(np.ones(3), shape[0])
    evidence = Evidence.of(label.shape, odds)
    whole = fill_holes(label, 0.6, evidence)
    assert (whole != label).any()
    narrow()
    np.testing.assert_array_equal(fill_holes(label, 0.6, evidence), whole)


def test_gather_is_the_same_in_bands(narrow, label):
    components = find_components(label)
    whole = LabelledPixels.gather(components, 200)
    narrow()
    found = LabelledPixels.gather(components, 200)
    np.testing.assert_array_equal(found.rows, whole.rows)
    np.testing.assert_array_equal(found.cols, whole.cols)
