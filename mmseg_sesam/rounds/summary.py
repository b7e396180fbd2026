"""Counts over the images of a round."""

from __future__ import annotations

from typing import NamedTuple


class RoundSummary(NamedTuple):
    """Counts over the images of a round.

    Attributes:
        images: number of images.
        unlabelled_images: images without any weak label.
        components: number of components.
        fell_back: components that keep only their weak pixels.
        pixels: pixels of all images.
        weak_pixels: pixels that a person labelled.
        labelled_pixels: pixels that the pseudo-label labels.
    """

    images: int = 0
    unlabelled_images: int = 0
    components: int = 0
    fell_back: int = 0
    pixels: int = 0
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
