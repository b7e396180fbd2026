"""Says in words why an image was chosen."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg_sesam.io.names import name_all
from mmseg_sesam.suggest.score import MEASURES, ImageLook, Scores

# A measure is a reason where at least this share of the images has less of
# it (our choice).
_NOTABLE = 0.5


def reason_of(
    place: int,
    look: ImageLook,
    scores: Scores,
    classes: Sequence[str],
    givers: Sequence[str],
) -> str:
    """Returns the reasons for an image, the strongest one first.

    Args:
        place: of the image in the scores.
        look: what is known about the image.
        scores: of all images.
        classes: names of the classes.
        givers: who gives labels that are compared, such as 'student'.
    """
    words = dict(
        disagreement=f'{name_all(givers)} differ in '
        f'{look.disagreement:.0%} of the pixels',
        uncertainty='predictions are uncertain (entropy '
        f'{look.uncertainty:.2f} of 1)',
        fallback=f'{look.fell_back} of {look.components} components have no '
        'mask',
        rarity=_rarity(place, scores, classes),
        unlabelled='nobody has labelled it',
    )
    # An unlabelled image says so whatever its rank.
    notable = {
        name: rank
        for name, rank in zip(MEASURES, scores.ranks[place])
        if rank >= _NOTABLE
        or (name == 'unlabelled' and not any(look.labelled))
    }
    order = sorted(notable, key=lambda name: -notable[name])
    found = [words[name] for name in order]
    return '; '.join(found) or 'doubtful images are like it'


def _rarity(place: int, scores: Scores, classes: Sequence[str]) -> str:
    rarest = int(scores.rarest[place])
    if rarest < 0:
        return ''
    count = int(scores.images_of_class[rarest])
    noun = 'image' if count == 1 else 'images'
    return f'shows {classes[rarest]}, which is labelled in {count} {noun}'
