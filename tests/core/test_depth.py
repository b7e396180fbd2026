"""Distance to the outside of a mask."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from mmseg_sesam.core.depth import depth_in


@pytest.mark.parametrize('exact', [True, False])
def test_depth_in_counts_the_border_as_outside(exact: bool) -> None:
    mask = np.random.default_rng(0).random((20, 30)) < 0.9
    padded = np.pad(mask, 1)
    expected = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    error = np.abs(depth_in(mask, exact) - expected)
    assert error.max() < (1e-4 if exact else 0.1 * expected.max())
