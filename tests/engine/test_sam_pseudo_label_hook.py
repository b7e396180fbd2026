"""When rounds are made in a training, and what workers load."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image
from tiny_configs import validated

from mmseg_sesam.store.store import CONFIDENT, LABELS, PseudoLabelStore

from .conftest import hook_of, logged, train

MakeConfig = Callable[..., Config]


def log_of(runner: Runner) -> str:
    (path,) = Path(runner.log_dir).glob('*.log')
    return path.read_text()


def test_hook_makes_rounds_when_due(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    runner = train(make_config())

    assert store.current == hook_of(runner).round == 2
    manifests = [store.manifest(number) for number in range(3)]
    assert [manifest['round'] for manifest in manifests] == [0, 1, 2]
    assert [manifest['iteration'] for manifest in manifests] == [0, 2, 4]
    assert [m['summary']['images'] for m in manifests] == [3, 3, 3]
    assert len({m['settings_sha256'] for m in manifests}) == 1
    assert len(manifests[1]['identity']['teacher']) == 64
    assert len(manifests[1]['identity']['settings']['weak_labels']) == 64
    assert {'mmseg_sesam', 'torch', 'numpy'} <= set(manifests[1]['versions'])
    assert logged(runner, 'round') == [0, 0, 1, 1, 2, 2]
    assert 'refreshes are made' not in log_of(runner)
    saved = torch.load(tmp_path / 'work/iter_3.pth', weights_only=False)
    assert saved['sesam_round'] == 1
    assert 'teacher.decode_head.conv_seg.weight' in saved['state_dict']


def test_hook_makes_no_round_that_nothing_learns_from(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    runner = train(make_config(train_cfg__max_iters=4))
    assert store.rounds() == [0, 1]
    assert 'ends after 4 iterations: 1 refreshes are made' in log_of(runner)
    # A finished run that is started again has nothing to make.
    train(make_config(train_cfg__max_iters=4, resume=True))
    assert store.rounds() == [0, 1]

    runner = train(make_config(train_cfg__max_iters=5, resume=True))

    assert store.manifest(2)['iteration'] == 4
    assert logged(runner, 'round') == [2]


def test_hook_warns_of_refreshes_after_the_last_epoch(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config()
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=4)
    # Epochs of one iteration.
    sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.train_dataloader.update(sampler=sampler, drop_last=True)
    runner = train(cfg)

    assert store.rounds() == [0, 1]
    assert 'ends after 4 iterations: 1 refreshes are made' in log_of(runner)


def test_hook_round_0_labels_scribbled_regions(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    train(make_config(train_cfg__max_iters=1))

    for index in range(3):
        label = store.read(f'images/deep/{index}', 0)
        dense = np.array(Image.open(scribbles / f'dense/deep/{index}.png'))
        weak = np.array(Image.open(scribbles / f'weak/deep/{index}.png'))
        labelled = label != 255
        assert labelled.mean() > 0.9
        # Coarse regions are cut at half the resolution: a border may be a
        # pixel off.
        assert (label == dense)[labelled].mean() > 0.95
        assert (label == weak)[weak != 255].all()
        components = store.record(f'images/deep/{index}', 0)['components']
        assert sorted(c['class_id'] for c in components) == [0, 1, 2]


def test_hook_disabled_trains_without_pseudo_labels(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(default_hooks__pseudo_labels__enabled=False)
    cfg.default_hooks.pseudo_labels.generator.segmenter.type = 'Missing'
    cfg.train_dataloader.num_workers = 1
    runner = train(cfg)

    assert runner.iter == 6
    assert not store.root.exists()
    assert logged(runner, 'round') == [-1] * 6


def test_refresh_stores_confident_labels_for_round_teacher(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(model__teacher='round', model__confident_threshold=0.0)

    runner = train(cfg)

    assert not (store.folder(0) / CONFIDENT).exists()
    confident = store.read('images/deep/0', 2, CONFIDENT)
    assert (confident < 3).all()
    shares = logged(runner, 'share_confident')
    assert shares[:2] == [0, 0]


def test_refresh_without_teacher_asks_the_student(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(model__teacher=None, train_cfg__max_iters=3)
    runner = Runner.from_cfg(cfg)
    modes = []
    runner.model.backbone.register_forward_pre_hook(
        lambda module, inputs: modes.append(
            (inputs[0].shape[-2:], module.training)
        )
    )
    runner.train()

    assert store.current == 1
    # Whole images are seen in the refresh alone.
    assert {training for size, training in modes if size == (40, 48)} == {
        False
    }


def test_refresh_uses_the_scale_of_validation(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(train_cfg__max_iters=3)
    validated(cfg, dict(type='Resize', scale=(96, 80), keep_ratio=True))
    runner = Runner.from_cfg(cfg)
    sizes = set()
    runner.model.teacher.backbone.register_forward_pre_hook(
        lambda _, inputs: sizes.add(tuple(inputs[0].shape[-2:]))
    )
    runner.train()

    # Crops in steps, and scaled whole images in the refresh.
    assert sizes == {(32, 32), (80, 96)}
    assert store.read('images/deep/0', 1, LABELS).shape == (40, 48)
    assert store.manifest(1)['identity']['validation'][0]['scale'] == [96, 80]


def test_hook_as_custom_hook_sees_a_changed_label(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=1)
    cfg.custom_hooks = [cfg.default_hooks.pop('pseudo_labels')]
    train(cfg)
    made = store.manifest(0)
    written = (store.folder(0) / 'manifest.json').stat().st_mtime_ns
    train(copy.deepcopy(cfg))
    assert (store.folder(0) / 'manifest.json').stat().st_mtime_ns == written

    path = scribbles / 'weak/deep/0.png'
    weak = np.array(Image.open(path))
    weak[weak == 0] = 255
    Image.fromarray(weak).save(path)
    train(copy.deepcopy(cfg))

    assert store.manifest(0) != made
    assert not (store.read('images/deep/0', 0) == 0).any()


def test_hook_counts_prefetched_batches_of_workers(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    cfg.train_dataloader.update(num_workers=1, prefetch_factor=1)
    runner = train(cfg)

    rounds = logged(runner, 'round')
    assert rounds[0] == 0
    late = [r < (i // 2) for i, r in enumerate(rounds)]
    counts = re.findall(r'(\d+) batches after round', log_of(runner))
    assert sum(map(int, counts)) == sum(late)
