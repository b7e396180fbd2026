"""Choice of the images that the report shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmseg_sesam.report.measure import Score

# Images in a group; bounds the size of the page (our choice).
GROUP_SIZE = 8


def choose_images(
    sample: Sequence[int], scores: dict[int, Score]
) -> dict[str, list[int]]:
    """Returns indices of the worst, best, most changed and random images.

    An image may be in several groups. Without pseudo-labels there is only the
    random group, and the group of changed images needs a later round that
    changed something.
    """
    groups = {}
    # An image without any dense label has no IoU.
    ranked = [i for i in scores if not np.isnan(scores[i].value)]
    ranked.sort(key=lambda i: scores[i].value)
    if ranked:
        groups['worst'] = ranked[:GROUP_SIZE]
        groups['best'] = ranked[::-1][:GROUP_SIZE]
    changed = [i for i in scores if scores[i].changed > 0]
    changed.sort(key=lambda i: -scores[i].changed)
    if changed:
        groups['most changed'] = changed[:GROUP_SIZE]
    rng = np.random.default_rng(0)
    count = min(GROUP_SIZE, len(sample))
    picks = rng.choice(sample, count, replace=False)
    groups['random'] = sorted(picks.tolist())
    return groups
