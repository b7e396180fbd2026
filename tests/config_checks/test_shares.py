"""Class shares that have no effect or do not fit the data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmseg.registry import HOOKS

from mmseg_sesam.config_checks import check_config

from .changes import MakeConfig, labels_elsewhere, weak_only

SHARES = dict(a=0.6, b=0.3, c=0.1)
HOOK = dict(type='ClassSharesHook', shares=SHARES)


def twice(cfg):
    cfg.custom_hooks = [dict(HOOK)]


def stock(cfg):
    weak_only(cfg)
    del cfg.model['teacher']
    cfg.model.type = 'EncoderDecoder'
    steps = cfg.train_dataloader.dataset.pipeline
    steps[:] = [s for s in steps if s['type'] != 'KeepTeacherView']


def no_teacher(cfg):
    weak_only(cfg)
    cfg.model.teacher = None


def only_weak_classes(cfg):
    cfg.model.only_weak_classes = True


def other_classes(cfg):
    cfg.default_hooks.class_shares.shares = dict(SHARES, d=0)


def no_file(cfg):
    cfg.default_hooks.class_shares.shares = 'nowhere.csv'


def no_shares(cfg):
    del cfg.default_hooks.class_shares['shares']


def no_names(cfg):
    cfg.train_dataloader.dataset.pop('metainfo')


def labels_elsewhere_without_rounds(cfg):
    weak_only(cfg)
    labels_elsewhere(cfg)


WRONG = {
    twice: 'ClassSharesHook stands 2 times',
    stock: 'has ClassSharesHook, and the model is EncoderDecoder',
    no_teacher: 'teacher=None without refreshes',
    only_weak_classes: 'has ClassSharesHook, .* has only_weak_classes=True',
    other_classes: "the class 'd', which the data set does not have",
    no_file: "tiny.py: .*'nowhere.csv'",
    no_shares: 'tiny.py: ClassSharesHook has no shares, expected a share',
    labels_elsewhere_without_rounds: 'and ClassSharesHook reads images and',
    no_names: 'the training data set has none',
}


@pytest.mark.parametrize(
    ('spoil', 'message'),
    WRONG.items(),
    ids=lambda v: v.__name__ if callable(v) else '',
)
def test_check_config_refuses_shares(
    make_config: MakeConfig, spoil, message: str
) -> None:
    cfg = make_config()
    cfg.default_hooks.class_shares = dict(HOOK)
    check_config(cfg)
    spoil(cfg)
    with pytest.raises(ValueError, match=message):
        check_config(cfg)


def test_check_config_accepts_shares_that_act(make_config: MakeConfig) -> None:
    cfg = make_config()
    cfg.default_hooks.class_shares = dict(HOOK)
    check_config(cfg)
    weak_only(cfg)
    check_config(cfg)


def test_check_config_leaves_what_takes_long_to_the_built_hook(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = make_config()
    cfg.default_hooks.class_shares = dict(HOOK, shares=str(tmp_path))
    (tmp_path / 'damaged.png').write_bytes(b'')
    check_config(cfg)

    cfg.default_hooks.class_shares.shares = 'nowhere.csv'
    built = [HOOKS.build(hook) for hook in cfg.default_hooks.values()]
    check_config(cfg, built)
