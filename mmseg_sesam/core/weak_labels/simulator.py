"""Simulates the weak label that an annotator would draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmseg_sesam import validators
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.weak_labels import shapes
from mmseg_sesam.core.weak_labels.scribble import draw_scribble
from mmseg_sesam.validators import check_fields, option, required

KINDS = ('coarse', 'scribble', 'point', 'block')
_SHARE = validators.number(above=0, at_most=1)


@dataclass(frozen=True)
class WeakLabelSimulator:
    """Simulates coarse masks, scribbles, points or blocks from dense labels.

    An object is an 8-connected component of a class. Labelled pixels lie
    within their object, so every simulated label is right. All defaults are
    our choice.

    Attributes:
        kind: 'coarse', polygons inside of each object and away from its
            edge; 'scribble', a smooth stroke along the middle of each
            object; 'point', dots near the middle of each object; or
            'block', the innermost share of each object.
        seed: fixes every random choice, together with the image's seed.
        min_area: pixels; smaller objects are left out, as annotators leave
            them out. Raise it to imitate annotators who label few objects.
        margin: distance of a coarse mask to the edge, as a share of the
            object's greatest depth.
        stroke_share: greatest length of a stroke as a share of the longest
            path through its object; the least is three quarters of it.
        stroke_width: pixels.
        max_points: dots in an object as large as the image; a smaller object
            gets fewer, by the square root of its share of the image.
        placement: place of dots: 'centre', or 'random' for any pixel.
        dot_radius: pixels; 0 draws single pixels.
        block_share: share of each object's pixels that a block labels.

    Raises:
        ValueError: `kind` or `placement` is unknown, or a number is out of
            range.

    Example:
        >>> simulate = WeakLabelSimulator('point', dot_radius=0)
        >>> weak = simulate(np.zeros((20, 20), np.uint8), image_seed=7)
        >>> int((weak != 255).sum())
        1
    """

    kind: str = required(validators.one_of(KINDS))
    seed: int = option(0, validators.count())
    min_area: int = option(16, validators.count())
    # The margin of an object is up to a quarter larger than this.
    margin: float = option(0.35, validators.number(at_least=0, below=0.8))
    stroke_share: float = option(1.0, _SHARE)
    stroke_width: int = option(3, validators.count(1))
    max_points: int = option(1, validators.count(1))
    placement: str = option('centre', validators.one_of(shapes.PLACEMENTS))
    dot_radius: int = option(1, validators.count())
    block_share: float = option(0.2, _SHARE)

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(
        self, label: np.ndarray, image_seed: int, ignore_index: int = 255
    ) -> np.ndarray:
        """Simulates the weak label of one image.

        Args:
            label: (H, W) uint8 dense class ids.
            image_seed: number of the image, such as a checksum of its name;
                the result depends on this number and on `seed` alone.
            ignore_index: the value of void and of unlabelled pixels.

        Returns:
            (H, W) uint8 class ids, `ignore_index` where nothing is drawn.
        """
        weak = np.full_like(label, ignore_index)
        components = find_components(label, ignore_index=ignore_index)
        for index, component in enumerate(components):
            if component.area < self.min_area:
                continue
            rng = np.random.default_rng([self.seed, image_seed, index])
            drawn = self._draw(component.mask, rng, label.size)
            weak[component.slices][drawn] = component.class_id
        return weak

    def _draw(
        self, mask: np.ndarray, rng: np.random.Generator, image_size: int
    ) -> np.ndarray:
        if self.kind == 'coarse':
            return shapes.draw_coarse(mask, rng, self.margin)
        if self.kind == 'scribble':
            return draw_scribble(
                mask, rng, self.stroke_share, self.stroke_width
            )
        if self.kind == 'block':
            return shapes.draw_block(mask, self.block_share)
        number = self.max_points * (mask.sum() / image_size) ** 0.5
        return shapes.draw_points(
            mask, rng, max(round(number), 1), self.placement, self.dot_radius
        )
