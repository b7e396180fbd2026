"""Counts over the images of a round."""

from __future__ import annotations

from typing import NamedTuple


class RoundSummary(NamedTuple):
    """Counts over the images of a round."""

    images: int = 0
    # Images without any weak label.
    unlabelled_images: int = 0
    components: int = 0
    # Components that keep only their weak pixels.
    fell_back: int = 0
    pixels: int = 0
    # Pixels that a person labelled, and that the pseudo-label labels.
    weak_pixels: int = 0
    labelled_pixels: int = 0

    def __str__(self) -> str:
        labelled = self.labelled_pixels / max(self.pixels, 1)
        weak = self.weak_pixels / max(self.pixels, 1)
        fell_back = self.fell_back / max(self.components, 1)
        return (
            f'{self.images} images ({self.unlabelled_images} without any '
            f'weak label), {self.components} components, {labelled:.1%} of '
            f'pixels labelled (weak labels: {weak:.1%}), {fell_back:.1%} of '
            'components fell back'
        )
