"""Rounds and checkpoints that stay."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from mmengine.config import Config
from mmengine.fileio import FileClient
from mmengine.fileio.backends import LocalBackend, register_backend

from mmseg_sesam.store.store import PseudoLabelStore

from .conftest import change_selector, train

MakeConfig = Callable[..., Config]


def test_prune_rounds_keeps_those_of_checkpoints_in_another_folder(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    cfg = make_config()
    checkpoint = dict(max_keep_ckpts=3, out_dir=str(tmp_path / 'elsewhere'))
    cfg.default_hooks.checkpoint.update(checkpoint)
    cfg.default_hooks.pseudo_labels.update(begin=1, interval=1, max_rounds=5)
    train(cfg)

    assert store.current == 5
    left = sorted(path.name for path in store.root.glob('round_*'))
    # iter_3.pth needs round 2, and a refresh that made round 3.
    assert left == [f'round_000{number}' for number in (0, 2, 3, 4, 5)]


def test_prune_rounds_beside_checkpoints_of_epochs(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    loop = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=2)
    sampler = dict(type='DefaultSampler', shuffle=True)
    cfg = make_config(train_cfg=loop, train_dataloader__sampler=sampler)
    # Six images, two a step: an epoch has three steps.
    loader = cfg.train_dataloader
    loader.dataset = dict(
        type='RepeatDataset', times=2, dataset=loader.dataset
    )
    checkpoint = dict(by_epoch=True, interval=1, max_keep_ckpts=1)
    cfg.default_hooks.checkpoint.update(checkpoint)
    cfg.default_hooks.pseudo_labels.update(begin=1, interval=1, max_rounds=5)
    train(cfg)

    left = sorted(path.name for path in store.root.glob('round_*'))
    # epoch_1.pth needs round 3; by its name it may need round 2.
    assert left == [f'round_000{number}' for number in (0, 2, 3, 4, 5)]


def test_prune_rounds_keeps_all_beside_checkpoint_without_number(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    other = tmp_path / 'work' / 'student.pth'
    other.parent.mkdir()
    other.write_bytes(b'')
    cfg = make_config(train_cfg__max_iters=4)
    cfg.default_hooks.pseudo_labels.update(begin=1, interval=1, max_rounds=3)
    train(cfg)

    assert len(list(store.root.glob('round_*'))) == 4


class Bucket(LocalBackend):
    """An object store that takes files and is never read."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        pass

    def isfile(self, filepath: str | Path) -> bool:
        return False


def test_prune_rounds_keeps_all_of_checkpoints_in_an_object_store(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    for register in (register_backend, FileClient.register_backend):
        register('bucket', Bucket, force=True, prefixes='bucket')
    cfg = make_config(train_cfg__max_iters=4)
    checkpoint = dict(type='CheckpointHook', out_dir='bucket://checkpoints')
    cfg.default_hooks.checkpoint.update(checkpoint)
    cfg.default_hooks.pseudo_labels.update(begin=1, interval=1, max_rounds=3)
    train(cfg)

    assert len(list(store.root.glob('round_*'))) == 4


def test_prune_rounds_removes_those_of_other_settings(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    def make(**options) -> Config:
        cfg = make_config(**options)
        cfg.default_hooks.checkpoint.max_keep_ckpts = 1
        hook = cfg.default_hooks.pseudo_labels
        hook.update(begin=1, interval=1, max_rounds=3)
        return cfg

    train(make(train_cfg__max_iters=4))
    assert store.rounds() == [0, 2, 3]

    cfg = change_selector(make(train_cfg__max_iters=5, resume=True))
    cfg.default_hooks.pseudo_labels.restart_if_changed = True
    train(cfg)

    # iter_4.pth is kept until the end, and needs round 3.
    assert store.rounds() == [0, 3]


def test_refresh_saves_no_checkpoint_where_none_are_saved(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=3)
    cfg.default_hooks.checkpoint.update(interval=-1, save_last=False)
    train(cfg)
    assert store.current == 1
    assert not list(tmp_path.rglob('*.pth'))
