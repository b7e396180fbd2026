"""A training on files whose names are no UTF-8."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from pipelines import place_of

from mmseg_sesam.datasets.validation import validate_datasets
from mmseg_sesam.evaluation.folders import compare_folders
from mmseg_sesam.report import build_report
from mmseg_sesam.store.store import PseudoLabelStore

# As Latin-1 has it: 'deep/caf\xe9'.
NAME = os.fsdecode(b'deep/caf\xe9')
SHOWN = r'caf\udce9'


@pytest.fixture
def renamed(scribbles: Path) -> Path:
    """One of the images and its labels have such a name."""
    for folder in ('images', 'dense', 'weak'):
        path = scribbles / folder / 'deep/1.png'
        try:
            path.rename(scribbles / folder / f'{NAME}.png')
        except OSError as error:
            pytest.skip(f'the file system has no such names ({error})')
    return scribbles


def train(cfg: Config) -> Path:
    cfg.default_hooks.pictures = dict(type='SeSAMVisualizationHook')
    runner = Runner.from_cfg(cfg)
    runner.train()
    return Path(runner.work_dir)


def test_train_with_names_that_are_no_utf_8(
    make_config: Callable[..., Config], renamed: Path, tmp_path: Path
) -> None:
    work = train(make_config())
    store = PseudoLabelStore(tmp_path / 'work/pseudo_labels')
    assert store.current == 2
    assert store.damaged(2) == []
    assert store.read(f'images/{NAME}', 2).shape == (40, 48)
    names = [path.name for path in work.rglob(f'train_2_{SHOWN}_*.png')]
    assert len(names) == 2, sorted(work.rglob('*.png'))
    labels = store.folder(2) / 'labels/images'
    assert compare_folders(labels, renamed / 'dense', 3)['images'] == 3
    build_report(work, tmp_path / 'report.html', with_predictions=False)
    page = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert SHOWN.replace('\\', r'\\') in page


def test_resume_with_names_that_are_no_utf_8(
    make_config: Callable[..., Config], renamed: Path, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=3))
    made = PseudoLabelStore(tmp_path / 'work/pseudo_labels').manifest(0)
    train(make_config(resume=True))
    assert (
        PseudoLabelStore(tmp_path / 'work/pseudo_labels').manifest(0) == made
    )


def test_simulate_caches_names_that_are_no_utf_8(
    make_config: Callable[..., Config], renamed: Path, tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=1)
    dataset = cfg.train_dataloader.dataset
    dataset.data_prefix.seg_map_path = 'dense'
    simulate = dict(
        type='SimulateWeakLabel',
        kind='scribble',
        data_root=str(renamed),
        cache_dir=str(tmp_path / 'cache'),
    )
    place = place_of(dataset.pipeline, 'LoadPseudoLabel')
    dataset.pipeline.insert(place, simulate)
    train(cfg)
    cached = (tmp_path / 'cache').rglob('*.png')
    assert any(path.name.startswith(Path(NAME).name) for path in cached)


def test_validate_datasets_prints_names_that_are_no_utf_8(
    make_config: Callable[..., Config], renamed: Path
) -> None:
    (renamed / 'weak' / f'{NAME}.png').write_bytes(b'damaged')
    said = str(validate_datasets(make_config()))
    assert f'{SHOWN}.png' in said
    said.encode()


def test_train_names_a_missing_label_that_is_no_utf_8(
    make_config: Callable[..., Config], renamed: Path
) -> None:
    (renamed / 'weak' / f'{NAME}.png').unlink()
    with pytest.raises(FileNotFoundError) as error:
        train(make_config())
    assert f'{SHOWN}.png' in str(error.value)
