"""Large images in tiles, with segmenters of known masks."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import (
    BaseSegmenter,
    CachedSegmenter,
    MaskCandidates,
    TiledSegmenter,
)

TILE, OVERLAP = 64, 16


class RegionSegmenter(BaseSegmenter):
    """Masks of the connected regions of one grey value with the points.

    Of three masks the second has all regions, the first one row less at
    each edge of the tile, as segmenters are unsure there, and the third is
    the whole image.
    """

    fingerprint = dict(type='RegionSegmenter')

    def __init__(self):
        self.encoded = []

    def encode(self, images):
        self.encoded += [image.shape for image in images]
        return [image[..., 0] for image in images]

    def decode(self, embedding, prompts):
        masks = np.zeros((len(prompts), 3, *embedding.shape), bool)
        masks[:, 2] = True
        for own, (points,) in zip(masks, prompts):
            for x, y in points.astype(int):
                alike = (embedding == embedding[y, x]).astype(np.uint8)
                regions = cv2.connectedComponents(alike)[1]
                own[1] |= regions == regions[y, x]
            own[0, 1:-1, 1:-1] = own[1, 1:-1, 1:-1]
        return MaskCandidates(masks, np.tile([0.9, 0.8, 0.1], (len(masks), 1)))

    def pack(self, embedding):
        import torch

        return dict(grey=torch.from_numpy(np.ascontiguousarray(embedding)))

    def unpack(self, tensors):
        return tensors['grey'].numpy()


@pytest.fixture(autouse=True)
def registered():
    TASK_UTILS.register_module(module=RegionSegmenter)
    yield
    TASK_UTILS.module_dict.pop('RegionSegmenter')


def tiled(inner='RegionSegmenter', **options) -> TiledSegmenter:
    options = dict(dict(tile=TILE, overlap=OVERLAP), **options)
    return TiledSegmenter(dict(type=inner), **options)


def prompt(*points) -> PointPrompt:
    return PointPrompt(np.array(points, np.float32))


def grey(shape) -> np.ndarray:
    return np.zeros((*shape, 3), np.uint8)


def disc(shape, row, col, radius) -> np.ndarray:
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, cols - col) <= radius


def masks_of(segmenter, image, *prompts) -> np.ndarray:
    candidates = segmenter.decode(segmenter.encode([image])[0], list(prompts))
    masks = [
        [candidates.mask(p, i) for i in range(3)] for p in range(len(prompts))
    ]
    # All that is known of a mask without drawing it agrees with it.
    rows, cols = (g.ravel() for g in np.indices(image.shape[:2]))
    inside = candidates.contains(rows, cols, slice(None))
    np.testing.assert_array_equal(
        inside.reshape(len(prompts), 3, *image.shape[:2]), masks
    )
    for place, own in enumerate(masks):
        box = candidates.window(slice(place, place + 1))
        held = [np.sum(mask[box[0] : box[2], box[1] : box[3]]) for mask in own]
        assert held == [np.sum(mask) for mask in own]
    areas = np.sum(masks, axis=(2, 3))
    np.testing.assert_allclose(candidates.areas, areas, rtol=0.15, atol=20)
    return np.array(masks)


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


@pytest.mark.parametrize('outside', [(150, 30), (109.4, 30)])
def test_decode_moves_points_into_the_image(outside):
    image = grey((64, 110))
    image[20:40, 70:] = 200
    found = masks_of(tiled(), image, prompt(outside))
    np.testing.assert_array_equal(found[0, 1], image[..., 0] == 200)


def test_encode_leaves_out_tiles_without_prompts():
    segmenter = tiled()
    (embedding,) = segmenter.encode([grey((500, 500))])
    assert segmenter.segmenter.encoded == []
    image = embedding.image
    image[30:40, 30:40] = 9
    segmenter.decode(embedding, [prompt((34, 34))])
    # The tile, and the neighbours to which its third mask continues.
    assert len(segmenter.segmenter.encoded) == 4
    segmenter.decode(embedding, [prompt((34, 34))])
    assert len(segmenter.segmenter.encoded) == 4


def test_encode_keeps_few_tiles_and_gives_the_same_masks():
    image = grey((160, 160))
    image[disc((160, 160), 85, 85, 45)] = 200
    prompts = [prompt((90, 90)), prompt((60, 62), (125, 90))]
    few, many = tiled(tiles_in_memory=1), tiled()
    np.testing.assert_array_equal(
        masks_of(few, image, *prompts), masks_of(many, image, *prompts)
    )
    assert len(few.segmenter.encoded) > len(many.segmenter.encoded)


def test_decode_keeps_little_of_masks_that_continue():
    prompts = [prompt((x, x)) for x in range(20, 44, 4)]
    kept, peaks = [], []
    for reach in (0, 3):
        segmenter = tiled(tile=128, overlap=64, reach=reach, tiles_in_memory=1)
        (embedding,) = segmenter.encode([grey((320, 320))])
        tracemalloc.start()
        candidates = segmenter.decode(embedding, prompts)
        measured = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        kept.append(measured[0] / 2**20)
        peaks.append(measured[1] / 2**20)
        # The grey image is one object: all masks reach all tiles in reach.
        assert candidates.mask(0, 1)[-9, -9] == (reach == 3)
    # 6 prompts have 3 masks on 15 further tiles, of 16 KiB each: 4 MiB, or
    # half a MiB as bits.
    assert kept[1] - kept[0] < 0.4
    assert peaks[1] - peaks[0] < 8


def test_cached_segmenter_inside_stores_each_tile(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 2, (100, 100, 3), np.uint8)
    image[disc((100, 100), 50, 50, 30)] = 200
    config = dict(
        type='CachedSegmenter',
        segmenter=dict(type='RegionSegmenter'),
        folder=str(tmp_path),
    )
    found = []
    for _ in range(2):
        segmenter = TiledSegmenter(config, TILE, OVERLAP, tiles_in_memory=1)
        found.append(masks_of(segmenter, image, prompt((50, 50))))
        encoded = segmenter.segmenter.segmenter.encoded
    np.testing.assert_array_equal(*found)
    assert not encoded
    files = [path for path in tmp_path.rglob('*') if path.is_file()]
    assert len(files) == len(segmenter.tiles((100, 100)))


def test_cached_segmenter_outside_names_the_remedy():
    inner = dict(type='TiledSegmenter', segmenter=dict(type='RegionSegmenter'))
    with pytest.raises(ValueError, match='takes the CachedSegmenter inside'):
        CachedSegmenter(inner)


class WrongSegmenter(RegionSegmenter):
    """Returns candidates of which a part is missing, by axis."""

    def __init__(self, **missing):
        super().__init__()
        self.ends = [
            missing.get(name) for name in ('prompts', 'masks', 'rows')
        ]

    def decode(self, embedding, prompts):
        shape = len(prompts), 3, *embedding.shape
        masks = np.ones(shape, bool)[tuple(map(slice, self.ends))]
        return MaskCandidates(masks, np.ones(masks.shape[:2]))


def decode_wrongly(**missing):
    segmenter = tiled()
    segmenter.segmenter = WrongSegmenter(**missing)
    (embedding,) = segmenter.encode([grey((64, 200))])
    return segmenter.decode(embedding, [prompt((30, 30)), prompt((34, 30))])


def test_decode_raises_on_candidates_of_other_prompts():
    with pytest.raises(ValueError, match='of 1 prompts, expected 2,'):
        decode_wrongly(prompts=1)


def test_crop_raises_on_a_mask_of_another_size():
    candidates = decode_wrongly(rows=32)
    with pytest.raises(ValueError, match=r'\(32, 64\).*expected \(64, 64\)'):
        candidates.crop(0, 0)


def test_decode_without_candidates():
    candidates = decode_wrongly(masks=0)
    assert candidates.scores.shape == candidates.areas.shape == (2, 0)
    pixels = np.arange(9)
    assert candidates.contains(pixels, pixels, slice(None)).shape == (2, 0, 9)


@pytest.mark.parametrize(
    'option', ['tile', 'overlap', 'reach', 'segmenter', 'tiles_in_memory']
)
def test_fingerprint_has_all_that_changes_masks(option):
    values = dict(tile=80, overlap=8, reach=3, tiles_in_memory=3)
    if option == 'segmenter':
        other = tiled('SuperpixelSegmenter')
    else:
        other = tiled(**{option: values[option]})
    changed = other.fingerprint != tiled().fingerprint
    assert changed == (option != 'tiles_in_memory')


@pytest.mark.parametrize(
    ('option', 'value'),
    [('tile', 1), ('overlap', 0), ('overlap', 33), ('reach', -1)],
)
def test_tiled_segmenter_rejects(option, value):
    with pytest.raises(ValueError, match=f'TiledSegmenter got {option}='):
        tiled(**{option: value})


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
