"""Trainings on dense, weakly labelled and unlabelled images together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mixed import loader_of, mix
from mmengine.config import Config
from PIL import Image
from warm_processes import run_warm

from mmseg_sesam.store.store import CONFIDENT, PseudoLabelStore

from .conftest import files_of, logged, train

MakeConfig = Callable[..., Config]
RATIO = dict(dense=1, scribble=2, none=1)


@pytest.fixture
def make_mixed(make_config: MakeConfig) -> MakeConfig:
    """Batches of four; a refresh after 2 and 4 steps, which learns much."""

    def make(**options) -> Config:
        cfg = mix(make_config(**options), ratio=RATIO)
        cfg.train_dataloader.batch_size = 4
        cfg.default_hooks.pseudo_labels.enrich_threshold = 0.34
        return cfg

    return make


def label(scribbles: Path, folder: str, index: int) -> np.ndarray:
    return np.array(Image.open(scribbles / f'{folder}/deep/{index}.png'))


def pngs_of(store: PseudoLabelStore) -> dict[Path, bytes]:
    return {p: c for p, c in files_of(store).items() if p.suffix == '.png'}


def test_train_on_three_kinds_of_labels(
    make_mixed: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    cfg = make_mixed()
    cfg.default_hooks.pseudo_labels.enrich_threshold = 1.0

    runner = train(cfg)

    assert store.current == 2
    dense = label(scribbles, 'dense', 0)
    for index in range(3):
        np.testing.assert_array_equal(
            store.read('images/deep/0', index), dense
        )
    unlabelled = [store.read('images/deep/2', index) for index in range(3)]
    assert (unlabelled[0] == 255).all()
    # Half of each class at least, though the teacher is hardly confident.
    assert np.mean(unlabelled[1] != 255) >= 0.45
    assert store.record('images/deep/2', 1)['components'] == []
    for name in ('decode.loss_dense', 'decode.loss_weak'):
        assert all(value > 0 for value in logged(runner, name))
    # A quarter of the images of each batch is dense.
    shares = logged(runner, 'share_dense')
    np.testing.assert_allclose(shares, 0.25)
    assert logged(runner, 'round') == [0, 0, 1, 1, 2, 2]


def test_train_on_three_kinds_resumes_as_undisturbed(
    make_mixed: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    options = dict(default_hooks__seed=dict(type='StepSeedHook'))
    undisturbed = train(make_mixed(**options))
    labels, weights = pngs_of(store), undisturbed.model.state_dict()
    shutil.rmtree(tmp_path / 'work')

    train(make_mixed(train_cfg__max_iters=3, **options))
    resumed = train(make_mixed(resume=True, **options))

    assert pngs_of(store) == labels
    for name, value in resumed.model.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_train_with_stored_labels_of_the_teacher(
    make_mixed: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_mixed(
        model__teacher='round',
        model__confident_threshold=0.0,
        train_cfg__max_iters=3,
    )
    train(cfg)
    # What a dense label leaves is void, and here it leaves nothing.
    assert (store.read('images/deep/0', 1, CONFIDENT) == 255).all()
    assert (store.read('images/deep/2', 1, CONFIDENT) < 3).all()


def test_train_takes_over_a_round_that_was_made_offline(
    make_mixed: MakeConfig,
    store: PseudoLabelStore,
    project_root: Path,
    tmp_path: Path,
) -> None:
    cfg = make_mixed(train_cfg__max_iters=1)
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    cfg.dump(tmp_path / 'mixed.py')
    tool = project_root / 'tools/generate_pseudo_labels.py'
    done = run_warm(tool, tmp_path / 'mixed.py')
    assert done.returncode == 0, done.stdout
    assert set(store.manifest(0)['kinds']) == {'dense', 'scribble', 'none'}
    before = files_of(store)
    train(cfg)
    assert files_of(store) == before


def test_train_on_images_that_got_a_label_is_another_training(
    make_mixed: MakeConfig, scribbles: Path
) -> None:
    def allowing(**options) -> Config:
        cfg = make_mixed(train_cfg__max_iters=2, **options)
        parts = cfg.train_dataloader.dataset.datasets
        loader_of(parts[1]).unlabelled = 'allow'
        parts[1].indices = [1, 2]
        cfg.train_dataloader.dataset.datasets = parts[:2]
        return cfg

    path = scribbles / 'weak/deep/2.png'
    path.rename(path.with_suffix('.aside'))
    runner = train(allowing())
    assert logged(runner, 'share_dense') == [0.25, 0.25]

    path.with_suffix('.aside').rename(path)
    cfg = allowing(resume=True)
    cfg.train_dataloader.sampler.ratio = dict(dense=1, scribble=1)
    cfg.train_cfg.max_iters = 3
    with pytest.raises(ValueError, match='weak_labels was'):
        train(cfg)


def test_train_on_three_kinds_on_two_ranks_resumes_as_undisturbed(
    make_mixed: MakeConfig,
    store: PseudoLabelStore,
    project_root: Path,
    tmp_path: Path,
) -> None:
    cfg = make_mixed(default_hooks__seed=dict(type='StepSeedHook'))
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    path, work = tmp_path / 'mixed.py', Path(cfg.work_dir)
    cfg.dump(path)

    def train_on_two_ranks(last: int) -> dict[str, torch.Tensor]:
        done = run_warm(
            *(project_root / 'tools/train.py', path, '--resume'),
            *('--launcher', 'pytorch'),
            *('--cfg-options', f'train_cfg.max_iters={last}'),
            ranks=2,
        )
        assert done.returncode == 0, done.stdout
        saved = torch.load(work / f'iter_{last}.pth', weights_only=False)
        return saved['state_dict']

    weights, labels = train_on_two_ranks(6), pngs_of(store)
    assert store.current == 2
    (lines,) = work.glob('*/vis_data/scalars.json')
    shares = [
        json.loads(line)['share_dense']
        for line in lines.read_text().splitlines()
    ]
    # Each rank's batches have the ratio.
    np.testing.assert_allclose(shares, [0.25] * 6)

    shutil.rmtree(work)
    train_on_two_ranks(3)
    resumed = train_on_two_ranks(6)

    assert pngs_of(store) == labels
    for name, value in resumed.items():
        assert torch.equal(value, weights[name]), name

    shutil.rmtree(work)
    train(make_mixed(train_cfg__max_iters=1))
    for path, content in pngs_of(store).items():
        assert labels[path] == content
