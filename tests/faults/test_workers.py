"""Loader workers that are killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Callable

import pytest
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import TRANSFORMS
from pipelines import place_of
from torch.utils.data import get_worker_info

from mmseg_sesam.rounds.make_round import RoundError
from mmseg_sesam.store.store import PseudoLabelStore


@TRANSFORMS.register_module()
class LoadAndDie(BaseTransform):
    """Kills its own worker process as soon as a file exists."""

    def __init__(self, trigger: str) -> None:
        self.trigger = trigger

    def transform(self, results: dict) -> dict:
        if get_worker_info() and os.path.exists(self.trigger):
            os.kill(os.getpid(), signal.SIGKILL)
        return results


@pytest.mark.parametrize('where', ['generation', 'training'])
def test_train_names_a_killed_worker(
    make_config: Callable[..., Config], tmp_path: Path, where: str
) -> None:
    store = PseudoLabelStore(tmp_path / 'work/pseudo_labels')
    cfg = make_config(train_cfg__max_iters=1)
    pipeline = cfg.train_dataloader.dataset.pipeline
    if where == 'generation':
        cfg.default_hooks.pseudo_labels.num_workers = 1
        trigger = store.staging(0)
        place = place_of(pipeline, 'LoadWeakAnnotations')
    else:
        cfg.train_dataloader.num_workers = 1
        trigger = store.root / 'CURRENT'
        place = place_of(pipeline, 'PackSeSAMInputs')
    pipeline.insert(place, dict(type='LoadAndDie', trigger=str(trigger)))

    killed = r'worker.* killed by signal|exited unexp'
    with pytest.raises(RuntimeError, match=killed) as raised:
        Runner.from_cfg(cfg).train()
    # Its traceback is needed.
    assert not isinstance(raised.value, RoundError)
    assert store.current == (None if where == 'generation' else 0)
