"""What the tools share once their arguments are read."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_sesam.cli import launch

HOOK = dict(type='SAMPseudoLabelHook', generator=dict())


@pytest.mark.parametrize(
    'hooks',
    [
        dict(custom_hooks=[dict(type='EMAHook'), HOOK]),
        dict(default_hooks=dict(timer=dict(type='IterTimerHook'), own=HOOK)),
        dict(default_hooks=dict(logger=None, own=HOOK)),
        dict(
            custom_hooks=[dict(HOOK, type='mmseg.SAMPseudoLabelHook')],
        ),
    ],
    ids=['custom', 'default', 'switched-off', 'scope'],
)
def test_drop_hook_removes_the_hook_that_find_hook_finds(hooks: dict) -> None:
    cfg = Config(hooks)
    assert launch.find_hook(cfg)['generator'] == {}
    launch.drop_hook(cfg)
    with pytest.raises(ValueError, match='has no SAMPseudoLabelHook'):
        launch.find_hook(cfg)


@pytest.mark.parametrize(
    ('segmenter', 'said'),
    [
        (dict(type='NoSuchSegmenter'), 'NoSuchSegmenter is not in the'),
        (dict(type='SuperpixelSegmenter', step=1), 'takes no arguments'),
        (
            dict(type='SAMSegmenter', checkpoint='a.pth', builder='a:b'),
            'ImportError',
        ),
    ],
    ids=['KeyError', 'TypeError', 'ImportError'],
)
def test_build_generator_names_the_config(
    segmenter: dict, said: str, tmp_path: Path
) -> None:
    generator = dict(type='PseudoLabelGenerator', segmenter=segmenter)
    path = tmp_path / 'base.py'
    path.write_text(f'{generator=}')
    with pytest.raises(ValueError, match='has a generator that') as error:
        launch.build_generator(Config.fromfile(path))
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


def test_load_config_lets_torch_share_the_buffers_of_processes(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'config.py'
    path.write_text('find_unused_parameters = True')
    args = Namespace(
        config=str(path), cfg_options=None, launcher='slurm', work_dir=None
    )
    # mmengine would set broadcast_buffers=False, and torch has True.
    assert launch.load_config(args).model_wrapper_cfg == dict(
        type='MMDistributedDataParallel', find_unused_parameters=True
    )
    own = dict(type='MMDistributedDataParallel', broadcast_buffers=False)
    args.cfg_options = dict(model_wrapper_cfg=own)
    assert launch.load_config(args).model_wrapper_cfg == own
