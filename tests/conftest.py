"""What the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Before numpy and torch start their threads; the processes that tests start
# inherit it.
os.environ['OMP_NUM_THREADS'] = '1'

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

import mmseg_sesam  # noqa: F401  (registers the components under test)

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def project_root() -> Path:
    """The folder that holds setup.py, configs and tools."""
    return ROOT


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """The data folder of SESAM_SHARED, or of ../shared; else a skip."""
    shared = Path(os.environ.get('SESAM_SHARED', ROOT.parent / 'shared'))
    if not (shared / 'data').is_dir():
        pytest.skip(f'no test data in {shared}/data (set SESAM_SHARED)')
    return shared / 'data'


@pytest.fixture(scope='session', autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def forget_mmengine_instances() -> Iterator[None]:
    """Undo what a Runner leaves behind in mmengine's global managers."""
    yield
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            handler.close()
    for manager in (MMLogger, MessageHub, Visualizer, DefaultScope):
        manager._instance_dict.clear()
