"""A tiny real training set-up, and commands in fresh processes."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from PIL import Image
from tool_runs import run_here
from warm_processes import find_free_port, run_warm

CONFIG = """
custom_imports = dict(imports=['mmseg_sesam'])
default_scope = 'mmseg'
data_root = {data_root!r}
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', size=(64, 64), seg_pad_val=255
    ),
    backbone=dict(
        type='ResNetV1c', depth=18, base_channels=8, norm_cfg=norm_cfg
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=64,
        channels=8,
        num_classes=2,
        num_convs=1,
        in_index=3,
        norm_cfg=norm_cfg,
    ),
    test_cfg=dict(mode='whole'),
)
dataset = dict(
    type='BaseSegDataset',
    data_root=data_root,
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    metainfo=dict(classes=('left', 'right'), palette=[[0] * 3, [255] * 3]),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ],
        **dataset,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ],
        **dataset,
    ),
)
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
    logger=dict(type='LoggerHook', interval=1),
    visualization=dict(type='SegVisualizationHook'),
)
visualizer = dict(
    type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')]
)
log_processor = dict(by_epoch=False)
"""


@pytest.fixture
def tiny_config(tmp_path: Path) -> Path:
    """A config of stock mmseg parts, and four images of two halves."""
    rng = np.random.default_rng(0)
    label = np.zeros((64, 64), np.uint8)
    label[:, 32:] = 1
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
    for index in range(4):
        image = rng.integers(0, 99, (64, 64, 3)) + 128 * label[..., None]
        Image.fromarray(image.astype(np.uint8)).save(
            tmp_path / 'images' / f'{index}.jpg'
        )
        Image.fromarray(label).save(tmp_path / 'labels' / f'{index}.png')
    path = tmp_path / 'tiny.py'
    path.write_text(CONFIG.format(data_root=str(tmp_path)))
    return path


def run_command(*words: object, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a command without GPUs, with stdout and stderr as one text."""
    return run_command


@pytest.fixture
def run_again() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a Python tool as `run` does, without the seconds of its imports.

    For tools that another test starts as a user does.
    """
    return run_warm


@pytest.fixture
def run_ranks() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a Python tool as two processes that are connected."""
    return functools.partial(run_warm, ranks=2)


@pytest.fixture(name='run_here')
def call_here() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a tool in this process, without the seconds of its imports."""
    return run_here


@pytest.fixture
def free_port() -> str:
    """A free port for the processes of a distributed run."""
    return find_free_port()


@pytest.fixture
def at_exit(tmp_path: Path) -> dict[str, str]:
    """Environment in which each process prints if it ends still connected.

    Threads of gloo that outlive the interpreter sometimes abort it, and they
    outlive the process group while an object still holds the group.
    """
    folder = tmp_path / 'at_exit'
    folder.mkdir()
    (folder / 'sitecustomize.py').write_text(
        'import atexit, pathlib\n'
        'def tell():\n'
        "    threads = pathlib.Path('/proc/self/task').glob('*/comm')\n"
        "    if any('gloo' in path.read_text() for path in threads):\n"
        "        print('still connected')\n"
        'atexit.register(tell)\n'
    )
    return {'PYTHONPATH': str(folder)}


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a tool here, on a CPU, and returns why it refuses arguments."""
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cpu')

    def refuse(tool: str, *words: object) -> str:
        done = run_here(tool, *words)
        assert done.returncode == 2
        return done.stdout

    return refuse
