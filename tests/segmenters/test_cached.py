"""Embeddings that are kept, with real segmenters and real files."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from safetensors.torch import save
from segment_anything.build_sam import _build_sam

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import TileGrid
from mmseg_sesam.segmenters import (
    CachedSegmenter,
    SuperpixelSegmenter,
    embedding_cache,
)
from mmseg_sesam.segmenters.embedding_cache import DiskCache, MemoryCache

IMAGES = [
    np.random.default_rng(seed).integers(0, 256, (40, 56, 3), np.uint8)
    for seed in range(3)
]
PROMPT = PointPrompt(np.array([[20.0, 10.0]]))
TENSORS = dict(a=torch.arange(6).reshape(2, 3), b=torch.ones(4).half())


@pytest.fixture(autouse=True)
def enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The results do not depend on what other programs need."""
    monkeypatch.setattr(embedding_cache, 'available_memory', lambda: 2**40)


@pytest.fixture(scope='module')
def sam(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Config of a small Segment Anything with random weights."""
    path = tmp_path_factory.mktemp('sam') / 'sam.pth'
    torch.manual_seed(0)
    torch.save(build_small_sam().state_dict(), path)
    return dict(
        type='SAMSegmenter',
        checkpoint=str(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        builder=build_small_sam,
    )


def build_small_sam() -> torch.nn.Module:
    return _build_sam(
        encoder_embed_dim=32,
        encoder_depth=1,
        encoder_num_heads=2,
        encoder_global_attn_indexes=[],
    )


def answer(segmenter, image: np.ndarray) -> np.ndarray:
    (embedding,) = segmenter.encode([image])
    candidates = segmenter.decode(embedding, [PROMPT])
    return np.stack([candidates.mask(0, i) for i in range(3)])


def count_encodings(segmenter: CachedSegmenter) -> list[int]:
    """Makes it note the number of images that it really encodes."""
    inner, counts = segmenter.segmenter, []
    encode = inner.encode
    inner.encode = lambda images: counts.append(len(images)) or encode(images)
    return counts


def test_cached_segmenter_keeps_the_tiles_of_the_segmenter() -> None:
    class InTwoTiles(SuperpixelSegmenter):
        def tiles(self, shape: tuple[int, int]) -> TileGrid:
            return TileGrid.of(shape, tile=shape[0], overlap=1)

    segmenter = CachedSegmenter(dict(type=InTwoTiles))
    assert len(segmenter.tiles((40, 60))) == 2


@pytest.mark.parametrize('on_disk', [False, True])
@pytest.mark.parametrize('name', ['SAMSegmenter', 'SuperpixelSegmenter'])
def test_cached_segmenter_encodes_an_image_once(
    sam: dict, tmp_path: Path, name: str, on_disk: bool
) -> None:
    folder = str(tmp_path) if on_disk else None
    config = sam if name == sam['type'] else dict(type=name)
    segmenter = CachedSegmenter(config, folder=folder)
    counts = count_encodings(segmenter)
    first = [answer(segmenter, image) for image in IMAGES]
    again = [answer(segmenter, image) for image in IMAGES]
    assert sum(counts) == len(IMAGES)
    np.testing.assert_array_equal(first, again)


def test_cached_segmenter_of_a_later_run_gives_the_same_masks(
    sam: dict, tmp_path: Path
) -> None:
    masks = answer(CachedSegmenter(sam, folder=str(tmp_path)), IMAGES[0])
    later = CachedSegmenter(sam, folder=str(tmp_path))
    counts = count_encodings(later)
    np.testing.assert_array_equal(answer(later, IMAGES[0]), masks)
    assert sum(counts) == 0


def test_cached_segmenter_stores_precisions_apart(
    sam: dict, tmp_path: Path
) -> None:
    answer(CachedSegmenter(sam, folder=str(tmp_path)), IMAGES[0])
    other = CachedSegmenter(dict(sam, dtype='bf16'), folder=str(tmp_path))
    # A CPU without bf16 would encode for half a minute.
    other.segmenter.encode = lambda images: 1 / 0
    with pytest.raises(ZeroDivisionError):
        answer(other, IMAGES[0])


@pytest.mark.parametrize('damage', ['cut', 'flip', 'empty', 'foreign'])
def test_cached_segmenter_replaces_a_damaged_entry(
    sam: dict, tmp_path: Path, damage: str
) -> None:
    masks = answer(CachedSegmenter(sam, folder=str(tmp_path)), IMAGES[0])
    (path,) = (p for p in tmp_path.rglob('*') if p.is_file())
    content = bytearray(path.read_bytes())
    if damage == 'flip':
        content[len(content) // 2] ^= 1
    path.write_bytes(
        dict(
            cut=content[:-1],
            flip=content,
            empty=b'',
            foreign=b'not an entry' * 99,
        )[damage]
    )
    segmenter = CachedSegmenter(sam, folder=str(tmp_path))
    counts = count_encodings(segmenter)
    np.testing.assert_array_equal(answer(segmenter, IMAGES[0]), masks)
    assert sum(counts) == 1
    assert sum(len(p.read_bytes()) > 99 for p in [path]) == 1


def test_put_into_a_full_cache_keeps_its_entries(tmp_path: Path) -> None:
    for cache in (MemoryCache(500), DiskCache(tmp_path, 500)):
        for index in range(9):
            cache.put(f'{index:02d}', TENSORS)
        kept = [i for i in range(9) if cache.get(f'{i:02d}')]
        assert kept == list(range(len(kept))) and 0 < len(kept) < 9
        assert cache.used <= 500
    assert DiskCache(tmp_path, 500).used == cache.used


def test_put_into_a_full_cache_warns_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = []
    monkeypatch.setattr(
        embedding_cache, 'print_log', lambda text, **_: messages.append(text)
    )
    cache = MemoryCache(500)
    for index in range(9):
        cache.put(f'{index:02d}', TENSORS)
    assert len(messages) == 1


def test_put_into_a_full_cache_looks_beside_it_once(tmp_path: Path) -> None:
    looks = []

    class Noting(DiskCache):
        def _others(self) -> dict[str, int]:
            looks.append(self.folder)
            return super()._others()

    cache = Noting(tmp_path / 'own', 500)
    for index in range(9):
        cache.put(f'{index:02d}', TENSORS)
    assert len(looks) == 1


def test_put_into_a_full_disk_cache_names_the_caches_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = []
    monkeypatch.setattr(
        embedding_cache, 'print_log', lambda text, **_: messages.append(text)
    )
    (tmp_path / 'earlier').mkdir()
    DiskCache(tmp_path / 'earlier', 1e9).put('00', TENSORS)
    full = DiskCache(tmp_path / 'own', 500)
    for index in range(9):
        full.put(f'{index:02d}', TENSORS)
    (message,) = messages
    assert 'earlier' in message


def test_disk_cache_shares_its_room_between_processes(
    tmp_path: Path,
) -> None:
    earlier = DiskCache(tmp_path, 1e9)
    earlier.put('00', TENSORS)
    size = earlier.used
    caches = [DiskCache(tmp_path, 7.5 * size, 3) for _ in range(3)]
    for index in range(9):
        caches[index % 3].put(f'{index + 1:02d}', TENSORS)
    kept = [i + 1 for i in range(9) if caches[0].get(f'{i + 1:02d}')]
    assert kept == [1, 2, 3, 4, 5, 6]


def test_disk_cache_in_containers_that_share_a_folder(
    tmp_path: Path, run_with_one_pid: Callable[..., None]
) -> None:
    def fill() -> None:
        cache = DiskCache(tmp_path, 1e9)
        for index in range(200):
            cache.put(f'{index:02d}', TENSORS)
        # A cache that could not write has no room left.
        assert cache.room() > 0

    run_with_one_pid(fill)
    cache = DiskCache(tmp_path, 1e9)
    assert all(cache.get(f'{index:02d}') for index in range(200))
    assert not list(tmp_path.rglob('.*'))


def test_disk_cache_removes_day_old_parts_of_a_killed_run(
    tmp_path: Path,
) -> None:
    for name, age in (('old', 90_000), ('new', 80_000)):
        part = tmp_path / 'aa' / f'.{name}.0.part'
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(b'half')
        os.utime(part, (time.time() - age,) * 2)
    DiskCache(tmp_path, 1e9)
    assert [p.name for p in tmp_path.rglob('.*')] == ['.new.0.part']


def test_disk_cache_leaves_disk_space_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_cache, 'RESERVE', 2**60)
    cache = DiskCache(tmp_path / 'new', 1e9)
    cache.put('00', TENSORS)
    assert cache.get('00') is None
    assert not (tmp_path / 'new').exists()


def test_disk_cache_leaves_a_tenth_of_the_disk_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_cache, 'RESERVE', 0)
    cache = DiskCache(tmp_path, 1e18)
    # Others write to the disk, too.
    assert cache.room() < 0.95 * shutil.disk_usage(tmp_path).free


def test_memory_cache_leaves_memory_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caches = [MemoryCache(1e9, 2) for _ in range(2)]
    size = len(save(TENSORS)) + 32
    left = embedding_cache.MEMORY_RESERVE + 7 * size

    def available() -> float:
        return left - sum(cache.used for cache in caches)

    monkeypatch.setattr(embedding_cache, 'available_memory', available)
    for index in range(99):
        caches[index % 2].put(f'{index:02d}', TENSORS)
    used = [cache.used // size for cache in caches]
    # Each leaves as much to the other as it takes.
    assert used == [3, 3]


def test_disk_cache_in_a_folder_that_cannot_be_written(
    tmp_path: Path,
) -> None:
    (tmp_path / 'aa').write_text('a file where a folder should be')
    cache = DiskCache(tmp_path, 1e9)
    cache.put('aabb', TENSORS)
    assert cache.get('aabb') is None
    assert cache.room() <= 0


def test_cached_segmenter_rejects_a_segmenter_without_pack() -> None:
    from mmseg.registry import TASK_UTILS

    from mmseg_sesam.segmenters import BaseSegmenter

    class Plain(BaseSegmenter):
        fingerprint = dict(type='Plain')

        def encode(self, images):
            return images

        def decode(self, embedding, prompts):
            raise AssertionError

    TASK_UTILS.register_module(module=Plain)
    try:
        with pytest.raises(ValueError, match='Plain, which has no pack'):
            CachedSegmenter(dict(type='Plain'))
    finally:
        TASK_UTILS.module_dict.pop('Plain')
