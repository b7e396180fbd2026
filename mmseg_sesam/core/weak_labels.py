"""Dense label -> the weak label that an annotator might have drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .components import Component, find_components
from .skeleton import longest_path

KINDS = ('coarse', 'scribble', 'point')


@dataclass(frozen=True)
class WeakLabelSimulator:
    """Simulates coarse masks, scribbles or points from dense labels.

    Every mark lies within the object that it belongs to, so a simulated
    label is right wherever it labels. All numbers are our choice.

    Attributes:
        kind: 'coarse', a mask drawn inside of each object and away from
            its edge; 'scribble', a stroke along the middle of each object;
            or 'point', a dot near the middle of each object.
        seed: with the seed of an image it fixes every random choice.
        margin: share of an object's greatest depth by which a coarse mask
            keeps away from the edge.
        stroke_share: a stroke's length as a share of the longest path
            through its object, between half of this and this.
        stroke_width: pixels.
        dot_radius: pixels; 0 draws single pixels.
        min_area: smaller objects (pixels) are left out, as annotators do.

    Raises:
        ValueError: `kind` is unknown or a share is out of range.
    """

    kind: str
    seed: int = 0
    margin: float = 0.35
    stroke_share: float = 1.0
    stroke_width: int = 3
    dot_radius: int = 1
    min_area: int = 16

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f'WeakLabelSimulator got kind={self.kind!r}, expected one '
                f'of {KINDS}.'
            )
        # The margin of an object is up to a quarter larger than this.
        if not (0 <= self.margin < 0.8 and 0 < self.stroke_share <= 1):
            raise ValueError(
                'WeakLabelSimulator expects 0 <= margin < 0.8 and 0 < '
                f'stroke_share <= 1, got margin={self.margin}, '
                f'stroke_share={self.stroke_share}.'
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
        draw = getattr(self, f'_draw_{self.kind}')
        weak = np.full_like(label, ignore_index)
        components = find_components(label, ignore_index=ignore_index)
        for index, component in enumerate(components):
            if component.area < self.min_area:
                continue
            rng = np.random.default_rng([self.seed, image_seed, index])
            marks = draw(component, rng) & component.mask
            weak[component.slices][marks] = component.class_id
        return weak

    def _draw_coarse(
        self, component: Component, rng: np.random.Generator
    ) -> np.ndarray:
        depth = _depth(component.mask)
        share = self.margin * rng.uniform(0.75, 1.25)
        return depth > share * depth.max()

    def _draw_scribble(
        self, component: Component, rng: np.random.Generator
    ) -> np.ndarray:
        path = longest_path(component.mask)
        share = self.stroke_share * rng.uniform(0.5, 1)
        length = max(int(round(share * len(path))), 1)
        start = rng.integers(0, len(path) - length + 1)
        stroke = np.zeros_like(component.mask)
        stroke[tuple(path[start : start + length].T)] = True
        return _thicken(stroke, self.stroke_width / 2)

    def _draw_point(
        self, component: Component, rng: np.random.Generator
    ) -> np.ndarray:
        depth = _depth(component.mask)
        middle = np.argwhere(depth > 0.7 * depth.max())
        dot = np.zeros_like(component.mask)
        dot[tuple(rng.choice(middle))] = True
        return _thicken(dot, self.dot_radius + 0.5)


def _depth(mask: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the outside of an object, in pixels."""
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def _thicken(marks: np.ndarray, reach: float) -> np.ndarray:
    """Grows marks to all pixels nearer than `reach`."""
    return ndimage.distance_transform_edt(~marks) < reach
