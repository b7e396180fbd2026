from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import outlines, strokes, write_photo
from mmengine.config import Config

from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.start import Request, Start, prepare

BASES = Path(__file__).resolve().parents[2] / 'configs/_base_'


@pytest.fixture
def request_of_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Request:
    """Ten photos with strokes, and three without."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(13):
        draw = None if number in (0, 5, 12) else strokes
        write_photo(Path(f'photos/{number:02}.jpg'), rng, draw)
    return Request(Path('photos'), Path('photos'), Path('out'))


def plan(request: Request, **changes: object) -> Start:
    return prepare(replace(request, **changes), BASES, Machine(1, 0))


def draw_photos(folder: str, *names: str) -> Path:
    """Annotates photos wholly; returns the folder of the annotations."""
    rng = np.random.default_rng(0)
    for name in names:
        path = Path(folder, f'{name}.jpg')
        write_photo(path, rng, lambda borders: outlines(np.array([0, 30])))
        path.unlink()
    return Path(folder)


def test_prepare_holds_back_a_proxy_of_ten_images(
    request_of_photos: Request,
) -> None:
    sets = plan(request_of_photos).sets

    assert sets.proxy and sets.measured.startswith('VAL PROXY')
    # The unlabelled photo beside them might show the same.
    assert sets.val.labelled == ['06', '07']
    assert '05' not in sets.names
    cfg = Config.fromfile('out/out.py')
    assert cfg.val_evaluator.type == 'WeakPixelAccuracy'
    assert cfg.default_hooks.checkpoint.save_best == 'proxyMeanAcc'


def test_prepare_holds_nothing_back_where_asked(
    request_of_photos: Request,
) -> None:
    sets = plan(request_of_photos, val_share=0.0).sets

    assert sets.val is None and 'no image is held back' in sets.measured
    assert len(sets.names) == 13


def test_prepare_joins_corrections(request_of_photos: Request) -> None:
    first = draw_photos('first', '01', '02')
    second = draw_photos('second', '02', '12')

    start = plan(request_of_photos, corrected=(first, second))

    names = [part.labelled for part in start.sets.corrected]
    assert names == [['01'], ['02', '12']]
    assert {*start.sets.train.labelled} & {'01', '02', '12'} == set()
    # The same images are held back as without corrections.
    assert start.sets.val.labelled == ['06', '07']
    cfg = Config.fromfile(start.config)
    parts = cfg.train_dataloader.dataset.datasets
    kinds = [part.pipeline[1].kind for part in parts]
    assert kinds == ['scribble', 'dense', 'dense']
    for part in parts:
        assert Path(part.ann_file).read_text().split()
    assert cfg.model.sources[0].kinds == ['dense']


def test_prepare_refuses_corrections_of_held_back_images(
    request_of_photos: Request,
) -> None:
    folder = draw_photos('first', '06')
    with pytest.raises(ValueError, match='such as 06'):
        plan(request_of_photos, corrected=(folder,))
