from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from labelme_photos import strokes, write_photo
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.start import Request, prepare

BASES = Path(__file__).resolve().parents[2] / 'configs/_base_'


@pytest.fixture
def request_of_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Request:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(3):
        write_photo(Path(f'photos/{number}.jpg'), rng, strokes)
    return Request(Path('photos'), Path('photos'), Path('out'), minutes=600)


def test_prepare_measures_a_step_for_a_time(
    request_of_photos: Request,
) -> None:
    start = prepare(request_of_photos, BASES, Machine(1, 0))

    cfg = Config.fromfile(start.config)
    assert cfg.train_cfg.max_iters == start.plan.max_iters.value >= 100
    assert 'measured on this machine' in start.config.read_text()


def test_prepare_for_a_gpu_writes_a_network_that_is_built(
    request_of_photos: Request,
) -> None:
    request = Request(*list(vars(request_of_photos).values())[:3])
    start = prepare(request, BASES, Machine(8, 24))

    cfg = Config.fromfile(start.config)
    cfg.model.pretrained = None
    model = MODELS.build(cfg.model)
    assert {head.num_classes for _, head in model.heads()} == {3}
