"""Large images in tiles: what is encoded and kept, and what is refused."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from region_segmenter import (
    OVERLAP,
    TILE,
    RegionSegmenter,
    disc,
    grey,
    masks_of,
    prompt,
    tiled,
)

from mmseg_sesam.segmenters import (
    CachedSegmenter,
    MaskCandidates,
    TiledSegmenter,
)

pytestmark = pytest.mark.usefixtures('region_segmenter')


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
