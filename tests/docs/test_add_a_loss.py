"""The examples of docs/add_a_loss.md train as the page says."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from .pages import DOCS, ROOT, read_blocks, run_tool

PAGE = DOCS / 'add_a_loss.md'
FILES = {block.title: block.text for block in read_blocks(PAGE) if block.title}


@pytest.fixture(scope='module')
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's configs, the page's files and a little demo data."""
    folder = tmp_path_factory.mktemp('project')
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        data = folder / 'work_dirs/demo/data'
        run_tool('tools/make_demo_data.py', f'{data}', '--train=4', '--val=1')
        run_tool(
            *('tools/make_weak_labels.py', f'{data}/SegmentationClass'),
            *(f'{data}/Scribbles', '--kind', 'scribble'),
            *('--num-classes', '8', '--jobs', '1'),
        )
    return folder


@pytest.mark.parametrize(
    ('module', 'config', 'logged'),
    [
        ('entropy_loss', 'entropy', ['decode.loss_entropy']),
        ('load_dense', 'dense', ['decode.loss_dense', 'share_dense']),
    ],
)
def test_add_a_loss_example_adds_its_term(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    config: str,
    logged: list[str],
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    cfg = Config.fromfile(f'configs/demo/{config}.py')
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.train_dataloader.update(
        batch_size=2, num_workers=0, persistent_workers=False
    )
    cfg.default_hooks.pop('training_pictures')
    cfg.default_hooks.checkpoint.interval = -1
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.pseudo_labels.num_workers = 0

    runner = Runner.from_cfg(cfg)
    runner.train()

    log = runner.message_hub.log_scalars
    assert all(log[f'train/{name}'].current() > 0 for name in logged)
    assert (
        FILES[f'{module}.py']
        == Path(importlib.import_module(module).__file__).read_text()
    )
    sys.modules.pop(module)
