"""How far masks expand beyond their component."""

import numpy as np

from mmseg_sesam.core.expansion import measure_expansion


def test_measure_expansion_is_area_over_pixels_inside():
    expansion = measure_expansion(np.array([8.0, 8.0]), np.array([2.0, 0.0]))
    assert expansion.tolist() == [4.0, np.inf]
