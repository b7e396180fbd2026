"""Simulates the weak label that an annotator would draw."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from mmseg_sesam import validators
from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.weak_labels import points, shapes
from mmseg_sesam.core.weak_labels.scribble import draw_scribble
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.validators import check_fields, option, required

# Kinds that mark objects, and kinds that mark pixels of the image.
_OBJECT_KINDS = ('coarse', 'scribble', 'point', 'block')
_IMAGE_KINDS = ('random_points', 'grid_points')
KINDS = _OBJECT_KINDS + _IMAGE_KINDS
_SHARE = validators.number(above=0, at_most=1)


def _of(kinds: tuple[str, ...], default: object, rule: validators.Rule):
    """Declares an option that acts for some kinds of labels alone."""
    return option(default, rule, kinds=kinds)


@dataclass(frozen=True)
class WeakLabelSimulator:
    """Simulates coarse masks, scribbles, points or blocks from dense labels.

    An object is an 8-connected component of a class. Labelled pixels lie
    within their object, so every simulated label is right, unless
    `miss_rate` asks for wrong ones. All defaults are our choice.

    Attributes:
        kind: 'coarse', polygons inside of each object and away from its
            edge; 'scribble', a smooth stroke along the middle of each
            object; 'point', dots near the middle of each object; 'block',
            the innermost share of each object; 'random_points', dots at
            random pixels of the image, as land-cover surveys have them; or
            'grid_points', dots on a regular grid, as coral surveys have
            them. Each dot of the last two gets the class of its pixel.
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
        placement: place of dots in an object: 'centre', or 'random' for any
            pixel.
        miss_rate: share of the dots of 'point' that miss: they lie on
            another class close to their object and keep its class. Set it
            to 0.1 to imitate people: of their clicks on VOC, 90% lie on
            their class.
        image_points: dots in an image of 'random_points'; the grid of
            'grid_points' has about as many. Dots on void are left out.
        dot_radius: pixels; 0 draws single pixels.
        block_share: share of each object's pixels that a block labels.

    Raises:
        ValueError: `kind` or `placement` is unknown, a number is out of
            range, or an option is set that has no effect for the kind.

    Example:
        >>> simulate = WeakLabelSimulator('point', dot_radius=0)
        >>> weak = simulate(np.zeros((20, 20), np.uint8), image_seed=7)
        >>> int((weak != 255).sum())
        1
    """

    kind: str = required(validators.one_of(KINDS))
    seed: int = option(0, validators.count())
    min_area: int = _of(_OBJECT_KINDS, 16, validators.count())
    # The margin of an object is up to a quarter larger than this.
    margin: float = _of(
        ('coarse',), 0.35, validators.number(at_least=0, below=0.8)
    )
    stroke_share: float = _of(('scribble',), 1.0, _SHARE)
    stroke_width: int = _of(('scribble',), 3, validators.count(1))
    max_points: int = _of(('point',), 1, validators.count(1))
    placement: str = _of(
        ('point',), 'centre', validators.one_of(points.PLACEMENTS)
    )
    miss_rate: float = _of(
        ('point',), 0.0, validators.number(at_least=0, below=1)
    )
    image_points: int = _of(_IMAGE_KINDS, 50, validators.count(1))
    dot_radius: int = _of(('point', *_IMAGE_KINDS), 1, validators.count())
    block_share: float = _of(('block',), 0.2, _SHARE)

    def __post_init__(self) -> None:
        check_fields(self)
        for field in fields(self):
            kinds = field.metadata.get('kinds', KINDS)
            value = getattr(self, field.name)
            if self.kind not in kinds and value != field.default:
                raise ValueError(
                    f'WeakLabelSimulator got {field.name}={value!r}, which '
                    f'has no effect for kind={self.kind!r}, only for '
                    f'{", ".join(kinds)}; take it out.'
                )

    def __call__(self, label: np.ndarray, image_seed: int) -> np.ndarray:
        """Simulates the weak label of one image.

        Args:
            label: (H, W) uint8 dense class ids, 255 for void.
            image_seed: number of the image, such as a checksum of its name;
                the result depends on this number and on `seed` alone.

        Returns:
            (H, W) uint8 class ids, 255 where nothing is drawn.
        """
        if self.kind in _IMAGE_KINDS:
            rng = np.random.default_rng([self.seed, image_seed])
            return self._draw_on_image(label, rng)
        weak = np.full_like(label, UNLABELLED)
        for index, component in enumerate(find_components(label)):
            if component.area < self.min_area:
                continue
            rng = np.random.default_rng([self.seed, image_seed, index])
            if self.kind == 'point':
                self._draw_points(weak, label, component, rng)
            else:
                drawn = self._draw(component.mask, rng)
                weak[component.slices][drawn] = component.class_id
        return weak

    def _draw(self, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns the (h, w) bool pixels of an object that are labelled."""
        if self.kind == 'coarse':
            return shapes.draw_coarse(mask, rng, self.margin)
        if self.kind == 'scribble':
            return draw_scribble(
                mask, rng, self.stroke_share, self.stroke_width
            )
        return shapes.draw_block(mask, self.block_share)

    def _draw_points(
        self,
        weak: np.ndarray,
        label: np.ndarray,
        component: Component,
        rng: np.random.Generator,
    ) -> None:
        """Draws the dots of one object, right ones over wrong ones."""
        mask, brush = component.mask, 2 * self.dot_radius + 1
        number = self.max_points * (mask.sum() / label.size) ** 0.5
        places = points.place_in_object(
            mask, rng, max(round(number), 1), self.placement
        )
        misses = rng.random(len(places)) < self.miss_rate
        if misses.any():
            near, corner = points.surroundings(label, component)
            # Without another class nearby no dot can miss.
            misses &= near.any()
        hits = shapes.stamp(mask.shape, places[~misses], brush) & mask
        weak[component.slices][hits] = component.class_id
        if misses.any():
            missed = rng.choice(np.argwhere(near), misses.sum())
            # The part of the image that the dots may reach.
            first = np.maximum(corner - self.dot_radius, 0)
            ends = corner + near.shape + self.dot_radius
            window = tuple(map(slice, first, ends))
            ids, drawn = label[window], weak[window]
            wrong = shapes.stamp(ids.shape, missed + corner - first, brush)
            wrong &= (ids != component.class_id) & (ids != UNLABELLED)
            wrong &= drawn == UNLABELLED
            drawn[wrong] = component.class_id

    def _draw_on_image(
        self, label: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns the (H, W) uint8 weak label with dots over the image."""
        place = (
            points.place_on_grid
            if self.kind == 'grid_points'
            else points.place_at_random
        )
        places = place(label.shape, rng, self.image_points)
        ids = label[places[:, 0], places[:, 1]]
        weak = np.full_like(label, UNLABELLED)
        for class_id in np.unique(ids[ids != UNLABELLED]):
            dots = shapes.stamp(
                label.shape, places[ids == class_id], 2 * self.dot_radius + 1
            )
            weak[dots & (label == class_id)] = class_id
        return weak
