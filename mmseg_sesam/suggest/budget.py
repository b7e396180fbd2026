"""How many images a time of labelling buys."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from mmseg_sesam.annotations.cost import Rate
from mmseg_sesam.structures import DENSE, NO_LABEL
from mmseg_sesam.validators import check_option, number

# The rate of each kind of label of a data set; those of VOC where both are
# known, since its images have no time for quality control.
_RATE_OF_KIND = {
    DENSE: 'voc-full',
    'coarse': 'cityscapes-coarse',
    'scribble': 'voc-scribble',
    'point': 'voc-point',
}


def rate_of_run(kinds: Sequence[str | None]) -> str:
    """Returns the name of the rate of the most frequent kind of label.

    Args:
        kinds: kind of the label of each image, None where no data set says
            it.

    Raises:
        ValueError: no image has a label of a known kind.

    Example:
        >>> rate_of_run(['none', 'scribble', 'scribble', 'dense'])
        'voc-scribble'
    """
    known = Counter(kind for kind in kinds if kind not in (None, NO_LABEL))
    # People label on with weak labels, even where most labels are dense.
    weak = Counter({k: n for k, n in known.items() if k != DENSE})
    if not known:
        raise ValueError(
            'The data set of this run does not say the kind of its labels, '
            'which the time for one image depends on; give --kind or '
            '--seconds, or set kind of LoadWeakAnnotations.'
        )
    return _RATE_OF_KIND[(weak or known).most_common(1)[0][0]]


def affordable_images(rate: Rate, minutes: float) -> int:
    """Returns the number of images that can be labelled in some minutes.

    Raises:
        ValueError: it is less than one.

    Example:
        >>> from mmseg_sesam.annotations.cost import RATES
        >>> affordable_images(RATES['voc-scribble'], minutes=10)
        17
    """
    check_option('suggest', 'minutes', minutes, number(above=0))
    count = rate.images(minutes / 60)
    if not count:
        # Rounded up: this number must buy an image.
        least = math.ceil(rate.seconds * 100 / 60) / 100
        raise ValueError(
            f'{minutes:g} minutes buy no image at {rate.seconds:g} seconds '
            f'for one; give --minutes of at least {least:g}, or your own '
            'time for one image with --seconds.'
        )
    return count
