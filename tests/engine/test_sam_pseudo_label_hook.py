from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from PIL import Image

from mmseg_sesam.rounds.make_round import RoundError
from mmseg_sesam.store.store import (
    CONFIDENT,
    LABELS,
    RECORDS,
    PseudoLabelStore,
)

MakeConfig = Callable[..., Config]


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def logged(runner: Runner, name: str) -> list[float]:
    lines = Path(runner.log_dir, 'vis_data', 'scalars.json').read_text()
    return [json.loads(line)[name] for line in lines.splitlines()]


def log_text(runner: Runner) -> str:
    return next(Path(runner.log_dir).glob('*.log')).read_text()


@pytest.fixture
def store(tmp_path: Path) -> PseudoLabelStore:
    return PseudoLabelStore(tmp_path / 'work/pseudo_labels')


def test_rounds_are_made_and_used_in_time(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    runner = train(make_config())

    assert store.current == 2
    assert [store.manifest(r)['round'] for r in range(3)] == [0, 1, 2]
    assert logged(runner, 'round') == [0, 0, 1, 1, 2, 2]
    text = log_text(runner)
    for number in range(3):
        assert f'Pseudo-labels, round {number}: 3 images' in text


def test_pseudo_labels_grow_from_scribbles(
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
        path = store.folder(0) / RECORDS / f'images/deep/{index}.json'
        records = json.loads(path.read_text())
        assert sorted(record['class_id'] for record in records) == [0, 1, 2]


def test_matching_round_zero_is_taken_over(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=1))
    made = (store.folder(0) / 'manifest.json').stat().st_mtime_ns

    train(make_config(train_cfg__max_iters=1))

    assert (store.folder(0) / 'manifest.json').stat().st_mtime_ns == made


def test_disabled_hook_trains_without_pseudo_labels(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(default_hooks__pseudo_labels__enabled=False)
    cfg.default_hooks.pseudo_labels.generator.segmenter.type = 'Missing'
    cfg.train_dataloader.num_workers = 1
    runner = train(cfg)

    assert runner.iter == 6
    assert not store.root.exists()
    assert logged(runner, 'round') == [-1] * 6


def test_resume_goes_on_with_the_round_of_the_checkpoint(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=5))
    assert store.current == 2

    checkpoint = tmp_path / 'work' / 'iter_3.pth'
    runner = train(make_config(resume=True, load_from=str(checkpoint)))

    assert logged(runner, 'round') == [1, 2, 2]
    assert store.current == 2
    assert 'resumed with round 1' in log_text(runner)
    assert runner.model.iteration == 6


def test_checkpoint_holds_round_and_teacher(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=3))

    saved = torch.load(tmp_path / 'work/iter_3.pth', weights_only=False)
    assert saved['sesam_round'] == 1
    assert 'teacher.decode_head.conv_seg.weight' in saved['state_dict']


def test_round_teacher_stores_what_training_loads(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(model__teacher='round', model__confident_threshold=0.0)
    cfg.train_dataloader.dataset.pipeline[2].with_confident = True

    runner = train(cfg)

    assert not (store.folder(0) / CONFIDENT).exists()
    confident = store.read('images/deep/0', 2, CONFIDENT)
    assert (confident < 3).all()
    shares = logged(runner, 'share_confident')
    assert shares[:2] == [0, 0]


def test_training_without_a_teacher_refreshes_with_the_student(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    runner = train(make_config(model__teacher=None))

    assert store.current == 2
    assert runner.model.training


def drop_source(cfg: Config) -> None:
    del cfg.train_dataloader.dataset.pipeline[2]


def crop_first(cfg: Config) -> None:
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline.insert(1, pipeline.pop(3))


def rotate_labels(cfg: Config) -> None:
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline.insert(3, dict(type='RandomRotFlip'))


def four_classes(cfg: Config) -> None:
    cfg.model.decode_head.num_classes = 4


def plain_model(cfg: Config) -> None:
    for name in ('teacher',):
        cfg.model.pop(name)
    cfg.model.type = 'EncoderDecoder'


def two_thresholds(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.enrich_threshold = [0.9, 0.8]


def confident_of_nobody(cfg: Config) -> None:
    cfg.train_dataloader.dataset.pipeline[2].with_confident = True


def confident_for_nobody(cfg: Config) -> None:
    cfg.model.teacher = 'round'


def teacher_never_asked(cfg: Config) -> None:
    confident_of_nobody(cfg)
    confident_for_nobody(cfg)
    cfg.default_hooks.pseudo_labels.max_rounds = 0


def mosaic_of_weak_classes(cfg: Config) -> None:
    cfg.model.only_weak_classes = True
    dataset = cfg.train_dataloader.dataset
    loading, augmenting = dataset.pipeline[:3], dataset.pipeline[3:]
    cfg.train_dataloader.dataset = dict(
        type='MultiImageMixDataset',
        dataset=dict(dataset, pipeline=loading),
        pipeline=[dict(type='RandomMosaic', prob=1.0), *augmenting],
    )


def no_beginning(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.begin = 0


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (drop_source, 'needs LoadPseudoLabel after the weak labels'),
        (crop_first, r"holds \['RandomCrop'\] before LoadPseudoLabel"),
        (rotate_labels, 'holds RandomRotFlip'),
        (four_classes, 'has 3 classes and the decode head num_classes=4'),
        (plain_model, 'the model is EncoderDecoder, which does not read'),
        (
            two_thresholds,
            'has enrich_threshold for 2 classes and .* num_classes=3',
        ),
        (confident_of_nobody, "with_confident=True and .* is 'online'"),
        (confident_for_nobody, "with_confident=False and .* is 'round'"),
        (teacher_never_asked, "teacher='round', .* max_rounds=0; set"),
        (mosaic_of_weak_classes, 'RandomMosaic, .* only_weak_classes'),
        (no_beginning, 'begin'),
    ],
)
def test_misfits_are_refused_before_training(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    spoil: Callable[[Config], None],
    message: str,
) -> None:
    cfg = make_config()
    spoil(cfg)
    with pytest.raises(ValueError, match=message):
        train(cfg)
    assert store.current is None


def test_unusable_weak_label_stops_round_zero(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    wrong = np.full((10, 10), 255, np.uint8)
    Image.fromarray(wrong).save(scribbles / 'weak/deep/2.png')
    cfg = make_config()
    # Images are then read by the round alone, before the first step.
    with pytest.raises(RuntimeError, match=r'2\.png has \(10, 10\)'):
        train(cfg)
    assert store.current is None


def test_missing_weak_label_is_named(
    make_config: MakeConfig, scribbles: Path
) -> None:
    (scribbles / 'weak/deep/1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'weak/deep/1\.png of .* is'):
        train(make_config())


def test_an_interrupted_round_goes_on_where_it_was(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=1))
    whole = {
        path.relative_to(store.folder(0)): path.read_bytes()
        for path in store.folder(0).rglob('*.*')
    }
    # As a kill leaves it: one image noted, one written but not noted.
    journal = store.journal(0)
    identity = store.manifest(0)['identity']
    files = json.loads((store.folder(0) / 'files.json').read_text())
    store.folder(0).rename(store.root / 'aside')
    (store.root / 'CURRENT').unlink()
    store.begin(0, identity)
    for key in list(files)[:2]:
        for relative in files[key]['files']:
            path = journal.folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(whole[Path(relative)])
    key = next(iter(files))
    facts = dict(files.pop(key), counts=[1, 0, 3, 0, 40 * 48, 9, 99])
    journal.note(key, [journal.folder / f for f in facts.pop('files')], facts)

    runner = train(make_config(train_cfg__max_iters=1))

    assert '2 of them made in' in log_text(runner)
    for path, content in whole.items():
        if path.name != 'manifest.json':
            assert (store.folder(0) / path).read_bytes() == content
    assert not list(store.root.rglob('journal*'))


class TakeAway(Hook):
    """Takes an image away before the refresh after the second step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aside = path.with_suffix('.aside')

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if runner.iter == 1:
            self.path.rename(self.aside)


def test_an_interrupted_refresh_goes_on_with_its_teacher(
    make_config: MakeConfig, store: PseudoLabelStore, scribbles: Path
) -> None:
    hook = TakeAway(scribbles / 'images/deep/2.png')
    runner = Runner.from_cfg(make_config())
    runner.register_hook(hook)
    with pytest.raises(RoundError, match='FileNotFoundError'):
        runner.train()
    assert store.current == 0
    # As the end of its process would, it lets go of the store.
    runner.call_hook('after_train')
    hook.aside.rename(hook.path)

    resumed = train(make_config(resume=True))

    text = log_text(resumed)
    assert 'resumed epoch: 0, iter: 2' in text
    # One or two were staged: the next is read while one is worked on.
    assert re.search('round 1: 3 images .* [12] of them made in', text)
    assert [store.manifest(r)['iteration'] for r in range(3)] == [0, 2, 4]
    assert logged(resumed, 'round') == [1, 1, 2, 2]


def test_a_refresh_leaves_no_checkpoint_where_none_is_wanted(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=3)
    cfg.default_hooks.checkpoint.update(interval=-1, save_last=False)
    train(cfg)
    assert store.current == 1
    assert not list(tmp_path.rglob('*.pth'))


def test_a_damaged_round_is_made_anew(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=3))
    before = store.read('images/deep/1', 1)
    path = store.folder(1) / 'labels/images/deep/1.png'
    path.write_bytes(path.read_bytes()[:-20])

    runner = train(make_config(resume=True))

    text = log_text(runner)
    assert '1 of its files are damaged' in text
    assert 'labels/images/deep/1.png' in text
    assert (store.read('images/deep/1', 1) == before).all()
    assert not list(store.root.glob('*.old*'))


def test_two_runs_cannot_share_a_store(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    lock = store.lock()
    with pytest.raises(ValueError, match='in use by another run'):
        train(make_config(train_cfg__max_iters=1))
    lock.release()
    train(make_config(train_cfg__max_iters=1))


def test_rounds_that_no_checkpoint_needs_are_removed(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config()
    cfg.default_hooks.checkpoint.max_keep_ckpts = 3
    cfg.default_hooks.pseudo_labels.update(begin=1, interval=1, max_rounds=5)
    train(cfg)

    assert store.current == 5
    left = sorted(path.name for path in store.root.glob('round_*'))
    # iter_3.pth goes on with round 2, and a refresh that made round 3.
    assert left == [f'round_000{number}' for number in (0, 2, 3, 4, 5)]


def test_rounds_are_removed_beside_checkpoints_of_epochs(
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
    # epoch_1.pth goes on with round 3; by its name it may need round 2.
    assert left == [f'round_000{number}' for number in (0, 2, 3, 4, 5)]


def test_rounds_stay_beside_a_checkpoint_that_tells_no_iteration(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    other = tmp_path / 'work' / 'student.pth'
    other.parent.mkdir()
    other.write_bytes(b'')
    cfg = make_config(train_cfg__max_iters=3)
    cfg.default_hooks.pseudo_labels.update(begin=1, interval=1, max_rounds=3)
    runner = train(cfg)

    assert len(list(store.root.glob('round_*'))) == 4
    assert f'all rounds stay, since {other} may need' in log_text(runner)


def test_a_refresh_asks_the_teacher_at_the_scale_of_validation(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    cfg = make_config(train_cfg__max_iters=2)
    cfg.val_dataloader = copy.deepcopy(cfg.train_dataloader)
    cfg.val_dataloader.sampler = dict(type='DefaultSampler', shuffle=False)
    cfg.val_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(96, 80), keep_ratio=True),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    cfg.val_cfg = dict(type='ValLoop')
    cfg.val_evaluator = dict(type='IoUMetric')
    runner = Runner.from_cfg(cfg)
    sizes = set()
    runner.model.teacher.backbone.register_forward_pre_hook(
        lambda _, inputs: sizes.add(tuple(inputs[0].shape[-2:]))
    )
    runner.train()

    # Of crops in steps, and of whole images of 40 x 48 in the refresh.
    assert sizes == {(32, 32), (80, 96)}
    assert store.read('images/deep/0', 1, LABELS).shape == (40, 48)
    assert store.manifest(1)['identity']['scale'][0]['scale'] == [96, 80]


def test_rounds_of_an_earlier_run_are_left_alone(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=5))
    train(make_config(train_cfg__max_iters=1))

    checkpoint = tmp_path / 'work' / 'iter_3.pth'
    runner = train(make_config(resume=True, load_from=str(checkpoint)))
    assert 'resumed with round 1' in log_text(runner)


def test_a_resumed_run_makes_a_lost_store_anew(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=3))
    before = store.read('images/deep/0', 0), store.read('images/deep/0', 1)
    shutil.rmtree(store.root)

    runner = train(make_config(resume=True))

    assert logged(runner, 'round') == [1, 2, 2]
    assert (store.read('images/deep/0', 0) == before[0]).all()
    assert (store.read('images/deep/0', 1) == before[1]).all()


def test_settings_that_changed_are_refused_without_the_round(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=3))
    shutil.rmtree(store.root)
    with pytest.raises(ValueError, match='other settings: it is not there'):
        train(change_selector(make_config(resume=True)))
    assert store.current is None


def test_a_round_without_the_predictions_that_are_needed_now(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=3, model__teacher='online'))
    cfg = make_config(
        resume=True,
        model__teacher='round',
        model__confident_threshold=0.0,
        train_cfg__max_iters=4,
    )
    cfg.train_dataloader.dataset.pipeline[2].with_confident = True
    cfg.default_hooks.pseudo_labels.begin = 100
    runner = train(cfg)

    assert 'it holds no predictions of a teacher' in log_text(runner)
    assert (store.read('images/deep/0', 1, CONFIDENT) < 3).all()
    assert store.manifest(1)['iteration'] == 2


def files_of(store: PseudoLabelStore) -> dict[Path, bytes]:
    paths = [p for p in store.root.glob('round_*/**/*') if p.is_file()]
    return {path: path.read_bytes() for path in paths}


def test_a_moved_run_goes_on_with_its_rounds(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=3)
    train(cfg)
    (tmp_path / 'work').rename(tmp_path / 'moved')

    cfg = make_config(
        resume=True,
        work_dir=str(tmp_path / 'moved'),
        load_from=str(tmp_path / 'moved/iter_3.pth'),
    )
    runner = train(cfg)

    store = PseudoLabelStore(tmp_path / 'moved/pseudo_labels')
    assert 'resumed with round 1' in log_text(runner)
    assert 'made anew' not in log_text(runner)
    owners = [store.manifest(number)['work_dir'] for number in range(3)]
    assert owners == [str(tmp_path / 'moved')] * 3


def change_selector(cfg: Config) -> Config:
    cfg.default_hooks.pseudo_labels.generator.selector = dict(
        type='CoverageMaskSelector', min_predicted_iou=1.0
    )
    return cfg


def test_a_resumed_run_names_the_settings_that_changed(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=3))
    message = r'generator\.selector\.min_predicted_iou was .* and is 1\.0;'
    with pytest.raises(ValueError, match=message):
        train(change_selector(make_config(resume=True)))
    assert store.current == 1
    assert store.rounds() == [0, 1]


def test_a_resumed_run_begins_with_a_new_round_zero_on_request(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=3))
    cfg = change_selector(make_config(resume=True))
    cfg.default_hooks.pseudo_labels.restart_if_changed = True
    runner = train(cfg)

    assert logged(runner, 'round') == [0, 1, 1]
    # Masks of the other settings are not kept.
    folder = store.folder(1) / RECORDS
    records = [json.loads(path.read_text()) for path in folder.rglob('*.json')]
    assert not any(r['chosen'] for image in records for r in image)


def test_the_manifest_tells_what_a_round_was_made_of(
    make_config: MakeConfig, store: PseudoLabelStore, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=3))
    manifests = [store.manifest(0), store.manifest(1)]

    assert [m['round'] for m in manifests] == [0, 1]
    assert [m['iteration'] for m in manifests] == [0, 2]
    assert manifests[0]['settings_sha256'] == manifests[1]['settings_sha256']
    assert len(manifests[1]['identity']['teacher']) == 64
    assert len(manifests[1]['identity']['settings']['weak_labels']) == 64
    assert manifests[1]['work_dir'] == str(tmp_path / 'work')
    assert {'mmseg_sesam', 'torch', 'numpy'} <= set(manifests[1]['versions'])


def test_no_round_is_begun_that_the_disk_cannot_hold(
    make_config: MakeConfig,
    store: PseudoLabelStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = shutil.disk_usage('/')._replace(free=100)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(RoundError, match='has 0 MiB left on its disk, and'):
        train(make_config(train_cfg__max_iters=1))
    assert store.current is None


def test_workers_load_no_batch_before_the_round_is_there(
    make_config: MakeConfig,
) -> None:
    cfg = make_config()
    cfg.train_dataloader.update(num_workers=2, prefetch_factor=1)
    runner = train(cfg)

    rounds = logged(runner, 'round')
    assert rounds[0] == 0
    stale = [
        int(number)
        for number in re.findall(
            r'(\d+) batches after round', log_text(runner)
        )
    ]
    late = [r < (i // 2) for i, r in enumerate(rounds)]
    # They are told when the first batch of the new round comes.
    while late[-1]:
        late.pop()
    assert sum(stale) == sum(late)


def test_a_damaged_round_disturbs_no_worker(
    make_config: MakeConfig, store: PseudoLabelStore
) -> None:
    train(make_config(train_cfg__max_iters=3))
    for path in (store.folder(1) / 'labels').rglob('*.png'):
        path.write_bytes(b'')
    cfg = make_config(resume=True, train_cfg__max_iters=4)
    cfg.train_dataloader.update(num_workers=1, persistent_workers=True)
    assert 'the round is made anew' in log_text(train(cfg))
