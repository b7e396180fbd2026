"""Known class shares in real trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from pipelines import place_of

from mmseg_sesam.engine.models import unwrap
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import PseudoLabelStore

from .conftest import hook_of, logged, train

MakeConfig = Callable[..., Config]
SHARES = dict(a=0.6, b=0.3, c=0.1)


def with_shares(cfg: Config, **options) -> Config:
    cfg.default_hooks.class_shares = dict(
        type='ClassSharesHook',
        **dict(dict(shares=SHARES, num_workers=0), **options),
    )
    return cfg


def stop_before(monkeypatch: pytest.MonkeyPatch, iteration: int) -> None:
    """Kills a training before an iteration."""
    from mmseg_sesam.engine import StepSeedHook

    step = StepSeedHook.before_train_iter

    def stop(hook, runner, *args, **kwargs) -> None:
        if runner.iter == iteration:
            raise KeyboardInterrupt
        step(hook, runner, *args, **kwargs)

    monkeypatch.setattr(StepSeedHook, 'before_train_iter', stop)


def test_shares_adjust_teacher_online_and_in_refreshes(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    runner = train(with_shares(make_config()))
    prior = unwrap(runner.model).teacher_prior
    assert prior.constants.abs().sum() > 0
    np.testing.assert_allclose(
        store.manifest(1)['identity']['thresholds'][-1], [0.6, 0.3, 0.1]
    )
    saved = torch.load(tmp_path / 'work/iter_6.pth', weights_only=False)
    for name, value in prior.state().items():
        assert torch.equal(saved['sesam_teacher_prior'][name], value)


def test_shares_and_rounds_read_config_and_labels_once(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    look = TrainingImages._look
    monkeypatch.setattr(
        TrainingImages,
        '_look',
        lambda images, place: looked.append(place) or look(images, place),
    )
    cfg = with_shares(make_config(train_cfg__max_iters=1))
    cfg.default_hooks.checkpoint.by_epoch = True
    runner = train(cfg)
    assert sorted(looked) == [0, 1, 2]
    (log,) = Path(runner.log_dir).glob('*.log')
    assert log.read_text().count('CheckpointHook has by_epoch=True') == 1


def test_shares_of_a_refresh_are_those_of_its_predictions(
    make_config: MakeConfig, scribbles: Path, store: PseudoLabelStore
) -> None:
    cfg = with_shares(make_config())
    cfg.train_cfg.max_iters = 2
    runner = train(cfg)
    model = unwrap(runner.model)
    # As a refresh after the last step: the constants are its own.
    rounds = hook_of(runner).rounds
    rounds.make(1, 2)
    assert rounds.current == 1
    model.eval()
    with torch.no_grad():
        from mmseg_sesam.rounds.teacher import TeacherPredictor

        predict = TeacherPredictor(model, rounds.prepare, 0.95)
        means = [
            torch.cat([band for _, band in predict.bands(batch)], dim=1)
            .flatten(1)
            .mean(dim=1)
            for batch in rounds.images.load(range(3))
        ]
    found = torch.stack(means).mean(0)
    torch.testing.assert_close(
        found, torch.tensor([0.6, 0.3, 0.1]), atol=0.02, rtol=0
    )


def test_shares_of_a_resumed_training_are_those_of_a_whole_one(
    make_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(folder: str) -> Config:
        cfg = with_shares(make_config())
        cfg.default_hooks.step_seed = dict(type='StepSeedHook')
        cfg.work_dir = str(tmp_path / folder)
        return cfg

    whole = unwrap(train(make('whole')).model).teacher_prior.state()
    # Without a refresh before the next step, and with one.
    for last in (3, 4):
        with monkeypatch.context() as patch:
            stop_before(patch, last)
            with pytest.raises(KeyboardInterrupt):
                train(make(f'killed_{last}'))
        cfg = make(f'killed_{last}')
        cfg.resume = True
        resumed = unwrap(train(cfg).model).teacher_prior.state()
        for name, value in whole.items():
            torch.testing.assert_close(resumed[name], value)


def test_load_from_starts_constants_of_shares_from_0(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = with_shares(make_config(train_cfg__max_iters=1))
    cfg.default_hooks.pseudo_labels.enabled = False
    train(cfg)
    cfg.load_from = str(tmp_path / 'work/iter_1.pth')
    cfg.work_dir = str(tmp_path / 'fine')
    assert unwrap(train(cfg).model).teacher_prior.steps == 1


def test_shares_of_a_table_of_sampled_pixels(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    path = tmp_path / 'pixels.csv'
    rows = [f'a.png,{i},0,{"aab"[i % 3]}\n' for i in range(30)]
    path.write_text('image,x,y,class\n' + ''.join(rows))
    cfg = make_config(train_cfg__max_iters=1)
    runner = train(with_shares(cfg, shares=str(path)))
    # No sampled pixel shows the class c.
    expected = torch.tensor([20, 10, 0.5]) / 30.5
    found = unwrap(runner.model).teacher_prior.shares
    torch.testing.assert_close(found, expected)


def test_shares_without_pseudo_labels(make_config: MakeConfig) -> None:
    cfg = make_config(default_hooks__pseudo_labels__enabled=False)
    cfg.train_cfg.max_iters = 2
    runner = train(with_shares(cfg))
    assert unwrap(runner.model).teacher_prior.constants.abs().sum() > 0


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(shares=dict(a=0.6, b=0.4, c=0.0)), "share 0 for the class 'c'"),
        (dict(shares=dict(a=0.6, b=0.4)), "no share for the class 'c'"),
    ],
)
def test_shares_that_do_not_fit_are_refused_before_round_0(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    change: dict,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        train(with_shares(make_config(), **change))
    assert store.current is None


def test_hook_of_shares_that_comes_last_keeps_the_check_before_round_0(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = with_shares(make_config(), priority='LOWEST')
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline.pop(place_of(pipeline, 'LoadPseudoLabel'))
    with pytest.raises(ValueError, match='LoadPseudoLabel'):
        train(cfg)
    assert not list((tmp_path / 'work/pseudo_labels').rglob('*.png'))


@pytest.mark.parametrize('workers', [0, 1])
def test_shares_of_a_class_that_nobody_labelled_are_0(
    make_config: MakeConfig, scribbles: Path, workers: int
) -> None:
    for path in scribbles.glob('weak/**/*.png'):
        label = np.array(Image.open(path))
        label[label == 2] = 255
        Image.fromarray(label).save(path)
    runner = train(with_shares(make_config(), num_workers=workers))
    shares = unwrap(runner.model).teacher_prior.shares
    torch.testing.assert_close(shares, torch.tensor([2 / 3, 1 / 3, 0]))
    assert all(np.isfinite(logged(runner, 'loss')))


def test_resumed_shares_include_a_class_that_was_labelled_since(
    make_config: MakeConfig, scribbles: Path, tmp_path: Path
) -> None:
    def make(steps: int, **options) -> Config:
        cfg = with_shares(make_config(train_cfg__max_iters=steps, **options))
        cfg.default_hooks.pseudo_labels.enabled = False
        return cfg

    labels = {p: p.read_bytes() for p in scribbles.glob('weak/**/*.png')}
    for path in labels:
        label = np.array(Image.open(path))
        label[label == 2] = 255
        Image.fromarray(label).save(path)
    train(make(1))
    for path, content in labels.items():
        path.write_bytes(content)

    runner = train(make(2, resume=True))

    prior = unwrap(runner.model).teacher_prior
    assert prior.steps == 1
    assert prior.constants.abs().max() < 1
    (log,) = Path(runner.log_dir).glob('*.log')
    assert 'class shares have changed' in log.read_text()
