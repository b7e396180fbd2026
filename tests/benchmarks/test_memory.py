"""The memory of a training step, from shapes alone."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from mmengine.config import Config
from mmseg.registry import MODELS

from benchmarks.memory import GIB, MOMENTS, estimate, main


@pytest.fixture
def cfg(project_root: Path) -> Config:
    return Config.fromfile(project_root / 'configs/demo/sesam.py')


def test_estimate_grows_with_the_batch_but_for_weights(
    cfg: Config,
) -> None:
    found = []
    for batch in (2, 4):
        cfg.train_dataloader.batch_size = batch
        found.append(estimate(cfg))
    two, four = found
    assert four['weights'] == two['weights']
    assert four['kept'] == pytest.approx(2 * two['kept'], rel=0.05)
    assert four['total'] == four['weights'] + four['kept']


def test_estimate_weights_count_gradients_moments_and_teacher(
    cfg: Config,
) -> None:
    found = estimate(cfg)['weights'] * GIB / 4
    model = MODELS.build(cfg.model)
    copies = 2 + MOMENTS[cfg.optim_wrapper.optimizer.type]
    expected = sum(
        p.numel() * (copies if p.requires_grad else 1)
        for p in model.parameters()
    )
    assert found == pytest.approx(expected)
    assert not any(p.requires_grad for p in model.teacher.parameters())


def test_main_prints_the_readme_row_without_a_download(
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    folder, name = project_root / 'configs/sesam', 'deeplabv3_camvid_coarse'
    monkeypatch.setattr('sys.argv', ['memory', str(folder / f'{name}.py')])
    monkeypatch.setattr('socket.getaddrinfo', Mock(side_effect=OSError))

    main()

    total = capsys.readouterr().out.splitlines()[-1].split(' | ')[-1]
    (row,) = re.findall(
        rf'\| \[{name}\].*', (folder / 'README.md').read_text()
    )
    assert row.split(' | ')[5] == total.removesuffix(' |')


def test_main_rejects_a_config_that_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'config.py'
    path.write_text('')
    monkeypatch.setattr('sys.argv', ['memory', str(path)])
    with pytest.raises(
        SystemExit,
        match='config.py has no crop_size and no model and no optim_wrapper;',
    ):
        main()


@pytest.mark.parametrize(
    ('name', 'said'),
    [('missing.py', 'is not a file'), ('README.md', 'is no config file')],
)
def test_main_rejects_a_path_that_is_no_config(
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    name: str,
    said: str,
) -> None:
    monkeypatch.setattr('sys.argv', ['memory', str(project_root / name)])
    with pytest.raises(SystemExit):
        main()
    assert f'{name} {said}' in capsys.readouterr().err
