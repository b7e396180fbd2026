"""Counts over the images of a round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class RoundSummary(NamedTuple):
    """Counts over the images of a round."""

    images: int = 0
    # Images without any label of a person.
    unlabelled_images: int = 0
    components: int = 0
    # Components that keep only their weak pixels.
    fell_back: int = 0
    pixels: int = 0
    # Pixels that a person labelled, and that the pseudo-label labels.
    weak_pixels: int = 0
    labelled_pixels: int = 0
    # Images whose label is dense.
    dense_images: int = 0

    @classmethod
    def total(cls, counts: Iterable[RoundSummary]) -> RoundSummary:
        """Returns the sum of counts."""
        return cls(*map(sum, zip(cls(), *counts)))

    def __str__(self) -> str:
        labelled = self.labelled_pixels / max(self.pixels, 1)
        weak = self.weak_pixels / max(self.pixels, 1)
        fell_back = self.fell_back / max(self.components, 1)
        return (
            f'{self.images} images ({self.dense_images} dense, '
            f'{self.unlabelled_images} unlabelled), {self.components} '
            f'components, {labelled:.1%} of pixels labelled (by people: '
            f'{weak:.1%}), {fell_back:.1%} of components fell back'
        )
