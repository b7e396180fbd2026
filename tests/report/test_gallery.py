"""The choice of images to show."""

from __future__ import annotations

import numpy as np

from mmseg_sesam.report.gallery import choose_images
from mmseg_sesam.report.measure import Score


def test_choose_images_ranks_groups() -> None:
    values = np.linspace(0, 1, 20)
    scores = {i: Score(v, 0.1 * (i == 7)) for i, v in enumerate(values)}
    scores[20] = Score(float('nan'), 0.2)

    groups = choose_images(range(30), scores)

    assert groups['worst'] == list(range(8))
    assert groups['best'] == list(range(19, 11, -1))
    assert groups['most changed'] == [20, 7]
    assert len(set(groups['random'])) == 8
