"""How often images of each kind of label are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mmseg_sesam.structures import DENSE, NO_LABEL

# Labelled images that are drawn for an unlabelled one at least (measured,
# docs/mixed.md).
_LABELLED = 3
# Weakly labelled images that are drawn for a dense one at least: one dense
# image in eight was measured (docs/mixed.md).
_WEAK = 7
# Draws of a dense image for one of a weak one at most (our choice).
_REPEATS = 6


def drawing_ratio(numbers: Mapping[str, int]) -> dict[str, int]:
    """Returns the ratio of `LabelKindSampler` for images of several kinds.

    Without the sampler all images are drawn equally often. It draws few dense
    images more often than that, up to one in eight, but none so often that
    it is learned by heart; and images without a label less often, where they
    are more than a quarter.

    Args:
        numbers: of images by kind of label.

    Example:
        >>> drawing_ratio(dict(dense=10, scribble=350))
        {'dense': 1, 'scribble': 7}
        >>> drawing_ratio(dict(dense=1, scribble=60, none=1000))
        {'dense': 3, 'scribble': 30, 'none': 11}
    """
    dense, free = (numbers.get(kind, 0) for kind in (DENSE, NO_LABEL))
    weak = sum(numbers.values()) - dense - free
    ratio = {kind: _LABELLED * number for kind, number in numbers.items()}
    if dense and weak:
        often = min(_REPEATS * dense, weak / _WEAK)
        ratio[DENSE] = max(ratio[DENSE], round(_LABELLED * often))
    labelled = sum(ratio.values()) - _LABELLED * free
    if free and labelled:
        ratio[NO_LABEL] = min(ratio[NO_LABEL], labelled // _LABELLED)
    least = math.gcd(*ratio.values())
    return {kind: number // least for kind, number in ratio.items()}
