"""Simulating weak labels within a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.dataset import Compose
from PIL import Image

from mmseg_sesam.datasets.simulate import SimulateWeakLabel


def load(results: dict, root: Path, **options) -> dict:
    options = dict(dict(kind='scribble', data_root=str(root)), **options)
    pipeline = Compose(
        [
            dict(type='LoadImageFromFile'),
            dict(type='LoadWeakAnnotations', num_classes=3),
            dict(type='SimulateWeakLabel', **options),
        ]
    )
    return pipeline(dict(results, seg_fields=[]))


def simulate(results: dict, root: Path, **options) -> np.ndarray:
    return load(results, root, **options)['gt_seg_map']


@pytest.mark.parametrize('kind', ['coarse', 'scribble', 'point', 'block'])
def test_simulate_returns_a_part_of_the_dense_label(
    results: dict, root: Path, kind: str
) -> None:
    dense = np.array(Image.open(results['seg_map_path']))
    weak = simulate(results, root, kind=kind)
    drawn = weak != 255

    assert weak.dtype == np.uint8
    np.testing.assert_array_equal(weak[drawn], dense[drawn])
    assert set(np.unique(weak)) == {0, 1, 2, 255}
    assert drawn.sum() < (dense != 255).sum()


@pytest.mark.parametrize('cached', [False, True])
def test_simulate_notes_the_classes_that_are_drawn(
    results: dict, root: Path, tmp_path: Path, cached: bool
) -> None:
    dense = np.zeros((40, 56), np.uint8)
    dense[20:] = 2
    # Too small to be drawn.
    dense[2:4, 2:4] = 1
    Image.fromarray(dense).save(results['seg_map_path'])
    options = dict(cache_dir=str(tmp_path)) if cached else {}
    for _ in range(2):
        assert load(results, root, **options)['weak_classes'] == [0, 2]


def test_simulate_depends_on_seed_and_name_alone(
    results: dict, root: Path
) -> None:
    weak = simulate(results, root)

    np.testing.assert_array_equal(simulate(results, root), weak)
    assert not np.array_equal(simulate(results, root, seed=1), weak)
    renamed = root / 'images/town/b.png'
    Path(results['img_path']).rename(renamed)
    results['img_path'] = str(renamed)
    assert not np.array_equal(simulate(results, root), weak)


def test_simulate_does_not_depend_on_the_data_folder(
    results: dict, root: Path, tmp_path: Path
) -> None:
    weak = simulate(results, root)
    elsewhere = tmp_path / 'elsewhere'
    root.rename(elsewhere)
    for name in ('img_path', 'seg_map_path'):
        results[name] = results[name].replace(str(root), str(elsewhere))

    np.testing.assert_array_equal(simulate(results, elsewhere), weak)


def test_simulate_returns_the_same_with_a_cache(
    results: dict, root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / 'cache'
    weak = simulate(results, root)

    for _ in range(2):
        cached = simulate(results, root, cache_dir=str(cache))
        np.testing.assert_array_equal(cached, weak)
    (file,) = (path for path in cache.rglob('*') if path.is_file())
    assert file.parent.relative_to(cache).parts[::2] == ('scribble', 'images')
    np.testing.assert_array_equal(np.array(Image.open(file)), weak)


def test_simulate_reads_the_cache(
    results: dict, root: Path, tmp_path: Path
) -> None:
    cache = str(tmp_path / 'cache')
    simulate(results, root, cache_dir=cache)
    (file,) = Path(cache).rglob('*.png')
    marked = np.full((40, 56), 2, np.uint8)
    Image.fromarray(marked).save(file)

    np.testing.assert_array_equal(
        simulate(results, root, cache_dir=cache), marked
    )


@pytest.mark.parametrize(
    'options',
    [
        dict(seed=1),
        dict(kind='point'),
        dict(stroke_width=1),
    ],
    ids=lambda options: next(iter(options)),
)
def test_simulate_caches_settings_apart(
    results: dict, root: Path, tmp_path: Path, options: dict
) -> None:
    cache = str(tmp_path / 'cache')
    simulate(results, root, cache_dir=cache)

    np.testing.assert_array_equal(
        simulate(results, root, cache_dir=cache, **options),
        simulate(results, root, **options),
    )


def test_simulate_caches_versions_apart(
    results: dict, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = str(tmp_path / 'cache')
    simulate(results, root, cache_dir=cache)
    monkeypatch.setattr('mmseg_sesam.datasets.simulate.__version__', '99')
    simulate(results, root, cache_dir=cache)

    assert len(list(Path(cache).rglob('*.png'))) == 2


def test_simulate_again_after_a_corrected_dense_label(
    results: dict, root: Path, tmp_path: Path
) -> None:
    cache = str(tmp_path / 'cache')
    before = simulate(results, root, cache_dir=cache)
    dense = np.array(Image.open(results['seg_map_path']))
    corrected = np.where(dense == 2, 0, dense).astype(np.uint8)
    Image.fromarray(corrected).save(results['seg_map_path'])

    after = simulate(results, root, cache_dir=cache)

    assert 2 in before and 2 not in after
    np.testing.assert_array_equal(after, simulate(results, root))


def test_simulate_rejects_an_unknown_kind(results: dict, root: Path) -> None:
    with pytest.raises(ValueError, match="kind='box', expected one of"):
        simulate(results, root, kind='box')


def test_simulate_rejects_an_image_outside_of_the_data_root(
    results: dict, root: Path
) -> None:
    with pytest.raises(ValueError, match='a.png lies outside of data_root'):
        simulate(results, root / 'labels')


def test_simulate_in_containers_that_share_a_cache(
    results: dict,
    root: Path,
    tmp_path: Path,
    run_with_one_pid: Callable[..., None],
) -> None:
    cache = tmp_path / 'cache'
    weak = simulate(results, root)

    def fill() -> None:
        for index in range(20):
            # Each time the cache is empty for all of them.
            folder = str(cache / str(index))
            drawn = simulate(results, root, cache_dir=folder)
            np.testing.assert_array_equal(drawn, weak)

    run_with_one_pid(fill)
    assert len(list(cache.rglob('*.png'))) == 20
    assert not list(cache.rglob('.*'))


def test_simulate_takes_numbers_of_numpy() -> None:
    first, second = (
        SimulateWeakLabel('point', 'data', cache_dir='cache', seed=seed).cache
        for seed in (np.int64(3), 3)
    )
    assert first == second
