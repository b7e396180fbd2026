"""Progress of a slow training in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook, IterTimerHook
from mmengine.runner import Runner
from tiny_configs import without_rounds
from warm_processes import run_warm

from mmseg_sesam.cli.launch import add_safeguards
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.engine import ClassSharesHook, StepSeedHook
from mmseg_sesam.engine.terminal_runner import Refusal, TerminalRunner
from mmseg_sesam.io import terminal


@pytest.mark.parametrize('patience', [0, 1000], ids=['slow', 'quick'])
def test_terminal_runner_logs_slow_steps(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    patience: float,
) -> None:
    # Each step takes longer than the patience.
    monkeypatch.setattr(terminal, '_PAUSE', patience)
    cfg = make_config(model__teacher=None, train_cfg__max_iters=4)
    without_rounds(cfg)
    cfg.default_hooks.logger.interval = 2
    runner = TerminalRunner.from_cfg(cfg)
    runner.train()

    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    told = [step for step in range(1, 5) if f'Step {step} of 4' in log]
    assert told == ([] if patience else [1, 3])

    cfg.load_from, cfg.resume = str(tmp_path / 'work/iter_3.pth'), True
    runner = TerminalRunner.from_cfg(cfg)
    runner.train()
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert ('Loaded 2 of the 3 batches' in log) == (not patience)
    assert runner.iter == 4


LOADING = """
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from mmengine import dist
from mmengine.runner.loops import _InfiniteDataloaderIterator
from torch import distributed
from torch.utils.data import DataLoader, Dataset

from mmseg_sesam.engine.terminal_runner import ProgressHook


class Images(Dataset):
    def __init__(self, loaded):
        self.loaded = loaded

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if dist.get_rank() and index == 1:
            time.sleep(1)
            self.loaded.touch()
        return index


class OnedlIterator(_InfiniteDataloaderIterator):
    def skip_iter(self, number):
        raise NotImplementedError('its loader would load no batch')


distributed.init_process_group('gloo')
for kind in _InfiniteDataloaderIterator, OnedlIterator:
    loaded = Path(sys.argv[1], kind.__name__)
    loop = SimpleNamespace(iter=2)
    loop.dataloader_iterator = kind(DataLoader(Images(loaded)))
    hook = ProgressHook()
    hook.before_run(None)
    hook.before_train_epoch(SimpleNamespace(train_loop=loop))
    # As the loops of mmengine and onedl-mmengine do.
    if hasattr(loop.dataloader_iterator, 'skip_iter'):
        loop.dataloader_iterator.skip_iter(loop.iter)
    else:
        for _ in range(loop.iter):
            next(loop.dataloader_iterator)
    assert loaded.exists(), 'rank 0 did not wait'
    assert next(loop.dataloader_iterator) == 2
    print('waited')
    del loop, hook      # They hold the group, see `disconnect_processes`.
distributed.destroy_process_group()
"""


def test_progress_hook_waits_for_ranks_that_load_earlier_batches_slowly(
    tmp_path: Path,
) -> None:
    (tmp_path / 'loading.py').write_text('import mmseg_sesam\n' + LOADING)
    done = run_warm(tmp_path / 'loading.py', tmp_path, ranks=2)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('waited') == 4


def test_terminal_runner_leaves_out_hooks_that_options_remove(
    make_config: Callable[..., Config],
) -> None:
    cfg = make_config()
    shares = dict(type='ClassSharesHook', shares=dict(a=0.6, b=0.3, c=0.1))
    cfg.default_hooks.class_shares = shares
    cfg.merge_from_dict(
        {
            'model.teacher': None,
            'default_hooks.pseudo_labels.enabled': False,
            'default_hooks.class_shares': None,
            'default_hooks.timer': None,
            'default_hooks.step_seed': None,
        }
    )
    add_safeguards(cfg)
    check_config(cfg)
    hooks = TerminalRunner.from_cfg(cfg).hooks

    dropped = ClassSharesHook, IterTimerHook, StepSeedHook
    assert not [hook for hook in hooks if isinstance(hook, dropped)]
    kinds = {type(hook).__name__ for hook in hooks}
    assert {'SAMPseudoLabelHook', 'RuntimeInfoHook'} <= kinds


class Picky(Hook):
    """A hook of a user."""

    def before_train(self, runner: Runner) -> None:
        raise ValueError('an error of code')


def test_terminal_runner_refuses_what_hooks_of_the_package_refuse(
    make_config: Callable[..., Config],
) -> None:
    cfg = make_config(model__teacher=None, train_cfg__max_iters=1)
    cfg.default_hooks.pseudo_labels.enabled = False
    cfg.default_hooks.class_shares = dict(
        type='ClassSharesHook', shares=dict(a=0.6, b=0.3, c=0.1)
    )
    with pytest.raises(Refusal, match='ClassSharesHook, which adjusts'):
        TerminalRunner.from_cfg(cfg).train()

    del cfg.default_hooks['class_shares']
    runner = TerminalRunner.from_cfg(cfg)
    runner.register_hook(Picky())
    with pytest.raises(ValueError, match='an error of code') as error:
        runner.train()
    assert error.type is ValueError
