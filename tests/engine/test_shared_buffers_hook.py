"""Two real processes validate one network."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from mmengine.config import Config
from warm_processes import run_warm

CODE = """
import sys
from argparse import Namespace
from pathlib import Path

import torch
from mmengine import dist
from mmengine.hooks import Hook
from torch import nn

from mmseg_sesam.cli.launch import disconnect_processes, load_config
from mmseg_sesam.engine.models import unwrap
from mmseg_sesam.engine.terminal_runner import TerminalRunner


class Activated(nn.BatchNorm2d):
    def forward(self, features):
        return super().forward(features).relu()


class Look(Hook):
    priority = 'LOWEST'

    def before_val_epoch(self, runner):
        found = {n: b.clone() for n, b in unwrap(runner.model).named_buffers()}
        assert any(b.sum() for n, b in found.items() if 'running_mean' in n)
        for others in dist.all_gather_object(found):
            for name, buffer in others.items():
                assert torch.equal(buffer, found[name]), name
        print('agrees')


def main():
    # No CPU has a kernel of SyncBatchNorm.
    options = {'sync_bn': 'torch'}
    cfg = load_config(Namespace(
        config=sys.argv[1], cfg_options=options, launcher='pytorch',
        work_dir=None,
    ))
    runner = TerminalRunner.from_cfg(cfg)
    runner.register_hook(Look())
    runner.train()
    runner.cfg.sync_bn = 'torch'
    try:
        runner.wrap_model(None, nn.Sequential(Activated(2)))
    except ValueError as error:
        print(error)


main()
disconnect_processes()
"""


def test_ranks_validate_with_the_buffers_of_the_main_one(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    cfg = make_config(model__teacher=None, train_cfg__max_iters=1)
    cfg.default_hooks.pseudo_labels.enabled = False
    steps = 'LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs'
    dataset = dict(
        cfg.train_dataloader.dataset,
        data_prefix=dict(img_path='images', seg_map_path='dense'),
        pipeline=[dict(type=step) for step in steps],
    )
    cfg.val_dataloader = dict(batch_size=1, num_workers=0, dataset=dataset)
    cfg.val_dataloader.sampler = dict(type='DefaultSampler', shuffle=False)
    cfg.val_cfg = dict(type='ValLoop')
    cfg.val_evaluator = dict(type='IoUMetric')
    cfg.dump(tmp_path / 'config.py')
    (tmp_path / 'validate.py').write_text('import mmseg_sesam\n' + CODE)
    done = run_warm(tmp_path / 'validate.py', tmp_path / 'config.py', ranks=2)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('agrees') == 2
    assert done.stdout.count('would replace 0, of class Activated,') == 2
