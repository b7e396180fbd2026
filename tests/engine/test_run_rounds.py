"""Runs that are resumed, moved, or begin with another run's round 0."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmseg_sesam.rounds.make_round import RoundError
from mmseg_sesam.store.store import CONFIDENT, PseudoLabelStore

from .conftest import change_selector, files_of, hook_of, logged, train

MakeConfig = Callable[..., Config]


def test_resume_from_an_earlier_checkpoint_uses_its_round(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=5))
    assert store.current == 2
    before = files_of(store)

    checkpoint = tmp_path / 'work' / 'iter_3.pth'
    runner = train(make_config(resume=True, load_from=str(checkpoint)))

    assert logged(runner, 'round') == [1, 2, 2]
    assert store.current == 2
    assert runner.model.iteration == 6
    assert files_of(store) == before
    (log,) = Path(runner.log_dir).glob('*.log')
    assert 'Although resumed' not in log.read_text()


def test_resume_in_a_copy_leaves_the_original(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    tmp_path: Path,
    short_run: Path,
) -> None:
    before = files_of(store)
    copy = tmp_path / 'copy'
    shutil.copytree(short_run, copy)

    cfg = make_config(
        resume=True, work_dir=str(copy), load_from=str(copy / 'iter_3.pth')
    )
    train(cfg)

    assert files_of(store) == before
    assert PseudoLabelStore(copy / 'pseudo_labels').rounds() == [0, 1, 2]


def test_resume_continues_an_interrupted_refresh_with_its_teacher(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    hook = TakeAway(scribbles / 'images/deep/2.png')
    runner = Runner.from_cfg(make_config())
    runner.register_hook(hook)
    with pytest.raises(RoundError, match='FileNotFoundError'):
        runner.train()
    assert store.current == 0
    # One or two are staged: the next is read while one is worked on.
    staged = {p: p.stat().st_mtime_ns for p in staged_records(store)}
    assert len(staged) in (1, 2)
    # The end of its process would release the store.
    runner.call_hook('after_train')
    hook.aside.rename(hook.path)

    resumed = train(make_config(resume=True))

    assert [store.manifest(r)['iteration'] for r in range(3)] == [0, 2, 4]
    assert logged(resumed, 'round') == [1, 1, 2, 2]
    for path, written in staged.items():
        path = store.folder(1) / path.relative_to(store.staging(1))
        assert path.stat().st_mtime_ns == written


class TakeAway(Hook):
    """Takes an image away before the refresh after the second step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aside = path.with_suffix('.aside')

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if runner.iter == 1:
            self.path.rename(self.aside)


def staged_records(store: PseudoLabelStore) -> list[Path]:
    return list((store.staging(1) / 'records').rglob('*.json'))


@pytest.mark.parametrize('loss', ['round', 'file', 'store'])
def test_resume_makes_lost_rounds_again(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    short_run: Path,
    loss: str,
) -> None:
    before = files_of(store)
    if loss == 'store':
        shutil.rmtree(store.root)
    elif loss == 'round':
        # Another round 1, as another run of this work dir would leave it.
        manifest = store.folder(1) / 'manifest.json'
        manifest.write_text(manifest.read_text().replace('files_sha', 'x_sha'))
    else:
        for path in (store.folder(1) / 'labels').rglob('*.png'):
            path.write_bytes(b'')

    cfg = make_config(resume=True, train_cfg__max_iters=4)
    # No worker meets the damaged files.
    cfg.train_dataloader.update(num_workers=1, persistent_workers=True)
    runner = train(cfg)

    assert logged(runner, 'round') == [1]
    labels = {p: c for p, c in before.items() if p.suffix == '.png'}
    assert labels.items() <= files_of(store).items()


def test_resume_makes_a_round_without_confident_labels_again(
    make_config: MakeConfig, store: PseudoLabelStore, short_run: Path
) -> None:
    cfg = make_config(
        resume=True,
        model__teacher='round',
        model__confident_threshold=0.0,
        train_cfg__max_iters=4,
    )
    cfg.default_hooks.pseudo_labels.begin = 100
    train(cfg)

    assert (store.read('images/deep/0', 1, CONFIDENT) < 3).all()
    assert store.manifest(1)['iteration'] == 2


def test_resume_makes_no_refresh_that_is_no_longer_due(
    make_config: MakeConfig, short_run: Path
) -> None:
    # Saved before the refresh after the second step.
    cfg = make_config(resume=True, load_from=str(short_run / 'iter_2.pth'))
    cfg.train_cfg.max_iters = 3
    cfg.default_hooks.pseudo_labels.begin = 100
    assert logged(train(cfg), 'round') == [0]


def test_resume_with_changed_settings(
    make_config: MakeConfig, store: PseudoLabelStore, short_run: Path
) -> None:
    before = files_of(store)
    cfg = change_selector(make_config(resume=True))
    message = r'generator\.selector\.min_predicted_iou was .* and is 1;'
    with pytest.raises(ValueError, match=message):
        train(cfg)
    assert store.current == 1
    assert files_of(store) == before

    cfg.default_hooks.pseudo_labels.restart_if_changed = True
    runner = train(cfg)

    assert logged(runner, 'round') == [0, 1, 1]
    for index in range(3):
        record = store.record(f'images/deep/{index}', 1)
        assert not any(c['chosen'] for c in record['components'])

    shutil.rmtree(store.root)
    message = r'differ is unknown, because .*round_0001, its round, is lost; '
    with pytest.raises(ValueError, match=message):
        train(make_config(resume=True))
    assert store.current is None


def test_init_from_copies_round_0_of_another_run(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    tmp_path: Path,
    short_run: Path,
) -> None:
    before = files_of(store)
    options = dict(
        work_dir=str(tmp_path / 'second'),
        train_cfg__max_iters=3,
        default_hooks__pseudo_labels__init_from=str(short_run),
    )
    with pytest.raises(ValueError, match='min_predicted_iou was .* is 1; '):
        train(change_selector(make_config(**options)))

    train(make_config(**options))

    second = PseudoLabelStore(tmp_path / 'second/pseudo_labels')
    assert second.rounds() == [0, 1]
    for path, content in before.items():
        if path.is_relative_to(store.folder(0)):
            copy = second.folder(0) / path.relative_to(store.folder(0))
            assert copy.read_bytes() == content
    assert files_of(store) == before

    # A resumed run does not need the other one.
    shutil.rmtree(short_run)
    options.update(train_cfg__max_iters=5, resume=True)
    runner = train(make_config(**options))
    assert hook_of(runner).round == 2


@pytest.mark.parametrize('is_file', [False, True])
def test_init_from_without_a_whole_round_is_refused(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    tmp_path: Path,
    is_file: bool,
) -> None:
    if is_file:
        (tmp_path / 'nothing').write_text('')
    cfg = make_config(
        default_hooks__pseudo_labels__init_from=str(tmp_path / 'nothing')
    )
    with pytest.raises(ValueError, match='nothing.* holds no whole round 0'):
        train(cfg)
    assert store.current is None


@pytest.mark.parametrize('reason', ['changed', 'damaged', 'lost'])
def test_resume_takes_a_new_round_0_from_init_from(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    tmp_path: Path,
    reason: str,
) -> None:
    train(make_config(train_cfg__max_iters=1))
    source = PseudoLabelStore(tmp_path / 'source/pseudo_labels')
    options = dict(
        resume=True,
        train_cfg__max_iters=2,
        default_hooks__pseudo_labels__init_from=str(tmp_path / 'source'),
        default_hooks__pseudo_labels__restart_if_changed=True,
    )
    cfgs = [
        make_config(work_dir=str(tmp_path / 'source'), train_cfg__max_iters=1),
        make_config(**options),
    ]
    if reason == 'changed':
        cfgs = [change_selector(cfg) for cfg in cfgs]
    elif reason == 'damaged':
        (store.folder(0) / 'labels/images/deep/0.png').unlink()
    else:
        shutil.rmtree(store.root)
    train(cfgs[0])
    # The list of files does not hold the digest of the manifest.
    manifest = dict(source.manifest(0), note='from the source')
    (source.folder(0) / 'manifest.json').write_text(json.dumps(manifest))

    runner = train(cfgs[1])

    assert store.manifest(0)['note'] == 'from the source'
    assert logged(runner, 'round') == [0]
