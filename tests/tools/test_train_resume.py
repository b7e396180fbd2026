"""Resuming a training with another end."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config


def train_by_epochs(config: Path) -> None:
    """Changes the config to one epoch, of two iterations."""
    text = config.read_text()
    for old, new in (
        ("type='IterBasedTrainLoop', max_iters=2", 'by_epoch=True'),
        ('InfiniteSampler', 'DefaultSampler'),
        ('by_epoch=False, interval=2', 'interval=1'),
    ):
        assert old in text
        text = text.replace(old, new)
    config.write_text(f'{text}train_cfg.update(max_epochs=1)\n')


@pytest.mark.parametrize('unit', ['iter', 'epoch'])
def test_train_refuses_to_end_where_an_unfinished_run_has_been(
    run_again, refusal, tiny_config: Path, project_root: Path, unit: str
):
    if unit == 'epoch':
        train_by_epochs(tiny_config)
    end = getattr(Config.fromfile(tiny_config).train_cfg, f'max_{unit}s')
    work_dir = tiny_config.parent / 'run'
    words = tiny_config, '--work-dir', work_dir, '--resume'
    command = (project_root / 'tools/train.py', *words)
    options = '--cfg-options', f'train_cfg.max_{unit}s={2 * end}'
    first = run_again(*command, *options)
    assert first.returncode == 0, first.stdout

    said = refusal('train.py', *words, work_dir / f'{unit}_{end}.pth')

    assert (
        f'{unit}_{end}.pth is of {unit} {end} of a run with train_cfg.'
        f'max_{unit}s={2 * end}, and {tiny_config} has max_{unit}s={end}, so'
    ) in said
    # A run that has reached its own end may be started again.
    again = run_again(*command)
    assert again.returncode == 0, again.stdout
    assert 'Iter(train)' not in again.stdout
