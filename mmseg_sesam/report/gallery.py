"""Which images the report shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmseg_sesam.report.measure import Score

# Images in a group; bounds the size of the page.
GROUP_SIZE = 8


def choose_images(
    sample: Sequence[int], scores: dict[int, Score], seed: int = 0
) -> dict[str, list[int]]:
    """Chooses the worst, the best, the most changed and random images.

    Args:
        sample: indices of the images that were measured.
        scores: of those with pseudo-labels.
        seed: of the random ones.

    Returns:
        Groups by name; an image may be in several. Without pseudo-labels
        there are but random images, and without a later round that changed
        anything there are no changed ones.
    """
    groups = {}
    # An image of void alone has no IoU.
    ranked = [i for i in scores if not np.isnan(scores[i].value)]
    ranked.sort(key=lambda i: scores[i].value)
    if ranked:
        groups['worst'] = ranked[:GROUP_SIZE]
        groups['best'] = ranked[::-1][:GROUP_SIZE]
    changed = [i for i in scores if scores[i].changed > 0]
    changed.sort(key=lambda i: -scores[i].changed)
    if changed:
        groups['most changed'] = changed[:GROUP_SIZE]
    rng = np.random.default_rng(seed)
    count = min(GROUP_SIZE, len(sample))
    picks = rng.choice(sample, count, replace=False)
    groups['random'] = sorted(picks.tolist())
    return groups
