"""Computes what annotations cost: hours for images, and images for hours."""

from __future__ import annotations

from dataclasses import dataclass

CITYSCAPES = 'Cordts et al., CVPR 2016 (Cityscapes)'
VOC = "Bearman et al., ECCV 2016 (What's the Point)"


@dataclass(frozen=True)
class Rate:
    """The time that an annotator needs for one image.

    Attributes:
        seconds: seconds of work for one image.
        source: who measured the time.

    Raises:
        ValueError: `seconds` is not positive and finite.

    Example:
        >>> Rate(34.9, 'yours').images(hours=40)
        4126
    """

    seconds: float
    source: str

    def __post_init__(self) -> None:
        if not 0 < self.seconds < float('inf'):
            raise ValueError(
                f'The rate {self.seconds} is no time; give the seconds of '
                'work for one image, above 0.'
            )

    def hours(self, images: int) -> float:
        """Returns the hours of work for a number of images."""
        return images * self.seconds / 3600

    def images(self, hours: float) -> int:
        """Returns the number of images that can be completed in some hours."""
        # Rounding must not lose an image: 349 s at 34.9 s are 10 images.
        return int(hours * 3600 / self.seconds + 1e-6)


# The rate of cityscapes-fine includes quality control.
RATES = {
    'cityscapes-fine': Rate(90 * 60, CITYSCAPES),
    'cityscapes-coarse': Rate(7 * 60, CITYSCAPES),
    'voc-full': Rate(239.7, VOC),
    'voc-scribble': Rate(34.9, VOC),
    'voc-point': Rate(22.1, VOC),
}


def override(rates: dict[str, Rate], seconds: dict[str, float]) -> dict:
    """Returns rates by kind in which measured seconds replace some.

    Raises:
        ValueError: a kind is unknown, or its time is not positive.
    """
    unknown = sorted(set(seconds) - set(rates))
    if unknown:
        raise ValueError(
            f'There is no kind {unknown[0]!r} to give a rate for, expected '
            f'one of {", ".join(rates)}.'
        )
    yours = {kind: Rate(time, 'yours') for kind, time in seconds.items()}
    return {**rates, **yours}
