"""Makes tiny trainings of this process quick."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from mmengine.config import utils
from mmengine.runner import Runner, runner
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

# Each `mmseg::` base of a config is looked for in 53 files. The processes that
# are forked later know what this one has read.
_load_once = functools.cache(utils.load)


def patch_runs(patch: pytest.MonkeyPatch, names: Iterator[object]) -> None:
    """Makes runs write configs without yapf, and look at files once.

    Loader workers end with the training.

    yapf takes nine tenths of a tiny training. Without it two runs begin
    within a second, by which mmengine names a run's log and its folder, so
    that each run gets a name of its own.
    """
    setup_env, train = Runner.setup_env, Runner.train

    def setup_named(self: Runner, env_cfg: dict) -> None:
        setup_env(self, env_cfg)
        self._timestamp += f'_{next(names)}'

    def train_and_end(self: Runner) -> object:
        try:
            return train(self)
        finally:
            _end_workers(self)

    # onedl-mmengine imports yapf's function where it calls it, mmengine
    # together with the module.
    for name in ('yapf.yapflib.yapf_api', 'mmengine.config.config'):
        patch.setattr(
            f'{name}.FormatCode', lambda text, **_: (text, True), raising=False
        )
    patch.setattr(Runner, 'setup_env', setup_named)
    patch.setattr(Runner, 'train', train_and_end)
    patch.setattr(utils, 'load', _load_once)
    patch.setattr(runner, 'collect_env', functools.cache(runner.collect_env))


def _end_workers(done: Runner) -> None:
    """Ends the loader workers of a training.

    A collection of garbage would end the threads that talk to them first,
    and wait 5 s for each worker.
    """
    for loop in (done._train_loop, done._val_loop):
        for name in ('dataloader_iterator', 'dataloader'):
            holder = getattr(loop, name, None)
            iterator = getattr(holder, '_iterator', None)
            if isinstance(iterator, _MultiProcessingDataLoaderIter):
                iterator._shutdown_workers()
                holder._iterator = None
