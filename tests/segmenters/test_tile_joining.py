"""Masks of objects over several tiles, with segmenters of known masks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from mmseg.registry import TASK_UTILS
from region_segmenter import (
    TILE,
    RegionSegmenter,
    disc,
    grey,
    masks_of,
    prompt,
    tiled,
)

from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import MaskCandidates

pytestmark = pytest.mark.usefixtures('region_segmenter')


@pytest.mark.parametrize('name', ['SuperpixelSegmenter', 'RegionSegmenter'])
def test_decode_is_that_of_the_segmenter_in_one_tile(name):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (TILE, TILE - 5, 3), np.uint8)
    image[20:40, 10:50] = 200
    prompts = [prompt((30, 30)), prompt((5, 5), (30, 30))]
    inner = TASK_UTILS.build(dict(type=name))
    expected = inner.decode(*inner.encode([image]), prompts)
    segmenter = tiled(name)
    found = segmenter.decode(*segmenter.encode([image]), prompts)
    for measure in ('scores', 'areas'):
        np.testing.assert_array_equal(
            getattr(found, measure), getattr(expected, measure)
        )
    for place in range(2):
        for index in range(3):
            np.testing.assert_array_equal(
                found.mask(place, index), expected.mask(place, index)
            )


@pytest.mark.parametrize(
    'points',
    [[(90, 90)], [(56, 56)], [(70, 100), (100, 70)], [(60, 62), (125, 90)]],
    ids=['in one tile', 'in four tiles', 'in two', 'along it'],
)
def test_decode_shows_no_seam_of_one_object_over_four_tiles(points):
    shape = 160, 160
    image, whole = grey(shape), disc(shape, 85, 85, 45)
    image[whole] = 200
    small, middle, large = masks_of(tiled(), image, prompt(*points))[0]
    np.testing.assert_array_equal(middle, whole)
    # The first mask lacks the edges of tiles, and loses them only where no
    # other tile shows more.
    np.testing.assert_array_equal(small, whole)
    assert (large >= whole).all()


def test_decode_without_reach_stops_at_the_edge_of_a_tile():
    image = grey((64, 400))
    image[20:40] = 200
    segmenter = tiled(reach=0)
    mask = masks_of(segmenter, image, prompt((10, 30)))[0, 1]
    box = segmenter.tiles((64, 400)).box(0)
    assert mask[20:40, : box[3]].all()
    assert not mask[:, box[3] :].any()


@pytest.mark.parametrize('reach', [1, 2, 9])
def test_decode_continues_by_reach(reach):
    image = grey((64, 400))
    image[20:40] = 200
    segmenter = tiled(reach=reach)
    grid = segmenter.tiles((64, 400))
    mask = masks_of(segmenter, image, prompt((10, 30)))[0, 1]
    end = grid.box(min(reach, len(grid) - 1))[3]
    assert mask[20:40, :end].all()
    assert not mask[:, end:].any() and not mask[:20].any()


def test_decode_continues_with_the_mask_that_agrees():
    # Further to the right the object has a hole, and something else of its
    # colour stands beside it.
    image = grey((64, 110))
    image[10:50, 5:100] = 200
    image[20:30, 70:80] = 90
    image[56:60, 70:100] = 200
    expected = image[..., 0] == 200
    expected[56:60] = False
    mask = masks_of(tiled(), image, prompt((20, 30)))[0, 1]
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(('rows', 'continues'), [(6, False), (12, True)])
def test_decode_continues_with_no_mask_of_little_overlap(rows, continues):
    class Slices(RegionSegmenter):
        """Masks of some of the 20 rows of an object in the second tile."""

        def decode(self, embedding, prompts):
            candidates = super().decode(embedding, prompts)
            if (embedding == 250).any():
                masks = np.zeros((len(prompts), 3, *embedding.shape), bool)
                masks[:, :, 20 : 20 + rows] = True
                candidates = MaskCandidates(masks, candidates.scores)
            return candidates

    segmenter = tiled()
    segmenter.segmenter = Slices()
    image = grey((64, 110))
    image[20:40] = 200
    # In the second tile alone.
    image[5, 105] = 250
    mask = masks_of(segmenter, image, prompt((10, 30)))[0, 1]
    assert mask[20:40, :40].all()
    assert mask[:, 64:].any() == continues


def test_decode_gives_the_mean_score_of_tiles():
    class Scores(RegionSegmenter):
        def decode(self, embedding, prompts):
            candidates = super().decode(embedding, prompts)
            score = 0.9 if (embedding == 250).any() else 0.5
            candidates.scores[:] = score
            return candidates

    segmenter = tiled()
    segmenter.segmenter = Scores()
    image = grey((64, 112))
    image[20:40, 20:92] = 200
    # In the second tile alone.
    image[5, 105] = 250
    points = prompt((30, 30), (80, 30))
    candidates = segmenter.decode(*segmenter.encode([image]), [points])
    # Half of the object lies in each tile.
    assert candidates.scores[0, 1] == pytest.approx(0.7, abs=0.03)


class ReducingSegmenter(RegionSegmenter):
    """Sees an image at 64 pixels a side, as SAM does at 1024."""

    fingerprint = dict(type='ReducingSegmenter')

    def encode(self, images):
        return [(image[..., 0], self._reduce(image)) for image in images]

    def _reduce(self, image):
        scale = min(TILE / max(image.shape[:2]), 1)
        small = cv2.resize(
            image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
        # Coarse grey values, so that blurred edges join one side.
        return small[..., 0] // 64

    def decode(self, embedding, prompts):
        image, small = embedding
        scale = np.array(small.shape[::-1]) / image.shape[::-1]
        reduced = [p._replace(points=p.points * scale) for p in prompts]
        found = super().decode(small, reduced)
        masks = [
            [
                cv2.resize(
                    found.mask(place, index).astype(np.uint8),
                    image.shape[::-1],
                    interpolation=cv2.INTER_NEAREST_EXACT,
                )
                for index in range(3)
            ]
            for place in range(len(prompts))
        ]
        return MaskCandidates(np.array(masks), found.scores)


def test_generator_labels_a_thin_stroke_over_many_tiles():
    road = np.zeros((110, 260), np.uint8)
    corners = np.array([[10, 20], [130, 80], [250, 10]])
    cv2.polylines(road, [corners], False, 1, 3)
    image = np.full((110, 260, 3), 40, np.uint8)
    image[road == 1] = 220
    weak = np.full(road.shape, 255, np.uint8)
    cv2.polylines(weak, [corners], False, 1, 1)
    weak[100:105, 20:240] = 0
    TASK_UTILS.register_module(module=ReducingSegmenter)
    try:
        segmenter = tiled('ReducingSegmenter', reach=4)
        config = dict(type='ReducingSegmenter')
        generator = PseudoLabelGenerator(config, hole_purity=0)
        whole = generator(image, weak).label
        generator.segmenter = segmenter
        label = generator(image, weak).label
    finally:
        TASK_UTILS.module_dict.pop('ReducingSegmenter')
    np.testing.assert_array_equal(label == 1, road == 1)
    assert np.mean((whole == 1)[road == 1]) < 0.5
    # The field is one object over all tiles, without a seam.
    assert (label[road == 0] == 0).mean() > 0.99
