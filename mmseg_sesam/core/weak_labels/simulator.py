"""Dense label -> the weak label that an annotator might have drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.weak_labels.block import draw_block
from mmseg_sesam.core.weak_labels.coarse import draw_coarse
from mmseg_sesam.core.weak_labels.point import PLACEMENTS, draw_points
from mmseg_sesam.core.weak_labels.scribble import draw_scribble
from mmseg_sesam.validators import check_options, count, number, one_of

KINDS = ('coarse', 'scribble', 'point', 'block')


@dataclass(frozen=True)
class WeakLabelSimulator:
    """Simulates coarse masks, scribbles, points or blocks from dense labels.

    Every mark lies within the object that it belongs to, so a simulated
    label is right wherever it labels. An object is an 8-connected component
    of a class. All numbers are our choice.

    Attributes:
        kind: 'coarse', polygons inside of each object and away from its
            edge; 'scribble', a smooth stroke along the middle of each
            object; 'point', dots near the middle of each object; or
            'block', the innermost share of each object.
        seed: with the seed of an image it fixes every random choice.
        min_area: smaller objects (pixels) are left out, as annotators do.
        margin: share of an object's greatest depth by which a coarse mask
            keeps away from the edge.
        stroke_share: a stroke's length as a share of the longest path
            through its object, between three quarters of this and this.
        stroke_width: pixels.
        max_points: dots of an object as large as the image; others get
            fewer, by the square root of their share of it, and one at least.
        placement: of dots: 'centre', or 'random' for any pixel of an object.
        dot_radius: pixels; 0 draws single pixels.
        block_share: share of each object's pixels that a block labels.

    Raises:
        ValueError: `kind` or `placement` is unknown, or a number is out of
            range.
    """

    kind: str
    seed: int = 0
    min_area: int = 16
    margin: float = 0.35
    stroke_share: float = 1.0
    stroke_width: int = 3
    max_points: int = 1
    placement: str = 'centre'
    dot_radius: int = 1
    block_share: float = 0.2

    def __post_init__(self) -> None:
        share = number(above=0, at_most=1)
        check_options(
            self,
            kind=one_of(KINDS),
            seed=count(),
            min_area=count(),
            # The margin of an object is up to a quarter larger than this.
            margin=number(at_least=0, below=0.8),
            stroke_share=share,
            stroke_width=count(1),
            max_points=count(1),
            placement=one_of(PLACEMENTS),
            dot_radius=count(),
            block_share=share,
        )

    def __call__(
        self, label: np.ndarray, image_seed: int, ignore_index: int = 255
    ) -> np.ndarray:
        """Simulates the weak label of one image.

        Args:
            label: (H, W) uint8 dense class ids.
            image_seed: a number of the image, such as a checksum of its
                name: the result depends on it and on `seed` alone.
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
            marks = self._draw(component.mask, rng, label.size)
            weak[component.slices][marks] = component.class_id
        return weak

    def _draw(
        self, mask: np.ndarray, rng: np.random.Generator, image_size: int
    ) -> np.ndarray:
        if self.kind == 'coarse':
            return draw_coarse(mask, rng, self.margin)
        if self.kind == 'scribble':
            return draw_scribble(
                mask, rng, self.stroke_share, self.stroke_width
            )
        if self.kind == 'block':
            return draw_block(mask, self.block_share)
        number = self.max_points * (mask.sum() / image_size) ** 0.5
        return draw_points(
            mask, rng, max(round(number), 1), self.placement, self.dot_radius
        )
