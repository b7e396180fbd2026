"""Rounds of tiny images, one image at a time and several at once."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import segment_anything  # noqa: F401  (in use, for a manifest)
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from tiny_rounds import CountingSegmenter, Rounds

from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.models.class_prior import TeacherPrior
from mmseg_sesam.rounds import training_images
from mmseg_sesam.rounds.make_round import RoundError
from mmseg_sesam.rounds.summary import RoundSummary
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.segmenters import (
    BaseSegmenter,
    MaskCandidates,
    SuperpixelSegmenter,
)
from mmseg_sesam.store.store import PseudoLabelStore

THREADS = 3


class MeetingSegmenter(SuperpixelSegmenter):
    """Encodes an image only while all threads encode one.

    The images on which masks are counted come first, one at a time.
    """

    images_at_once = THREADS

    def __init__(self) -> None:
        super().__init__()
        self._alone = 3
        self._all_here = threading.Barrier(THREADS)

    def encode(self, images: Sequence[np.ndarray]) -> list:
        if self._alone:
            self._alone -= 1
        else:
            self._all_here.wait(timeout=60)
        return super().encode(images)


@pytest.mark.usefixtures('alike_classes')
def test_make_round_with_threads_gives_the_same_round(
    make_config: Callable[..., Config], scribbles: Path, tmp_path: Path
) -> None:
    rounds = Rounds(make_config().train_dataloader.dataset)

    def make(folder: str) -> tuple[RoundSummary, dict[str, bytes]]:
        store = PseudoLabelStore(tmp_path / folder)
        summary = rounds.make(store)
        labels = store.folder(0) / 'labels'
        return summary, {
            str(path.relative_to(labels)): path.read_bytes()
            for path in labels.rglob('*.png')
        }

    one_by_one = make('one')
    rounds.generator.segmenter = MeetingSegmenter()

    assert make('several') == one_by_one
    assert len(one_by_one[1]) == THREADS


class LonelySegmenter(SuperpixelSegmenter):
    """Encodes no image while another thread encodes one."""

    images_at_once = THREADS

    def __init__(self) -> None:
        super().__init__()
        self._free = threading.Lock()

    def encode(self, images: Sequence[np.ndarray]) -> list:
        if not self._free.acquire(blocking=False):
            raise RuntimeError('two images at once')
        # Other threads would come meanwhile.
        time.sleep(0.05)
        encoded = super().encode(images)
        self._free.release()
        return encoded


def test_make_round_labels_large_images_one_at_a_time(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_images, '_PIXELS_AHEAD', 0)
    rounds = Rounds(make_config().train_dataloader.dataset)
    rounds.generator.segmenter = LonelySegmenter()
    made = rounds.make(PseudoLabelStore(tmp_path))
    assert made.images == THREADS


def test_make_round_again_needs_space_beside_the_published_one(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = Rounds(make_config().train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'store')
    rounds.make(store)
    (store.folder(0) / 'labels/images/deep/1.png').unlink()
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    assert store.size(0) > full.free
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: full)

    with pytest.raises(RoundError, match='the round takes about'):
        rounds.make(store)


def test_manifest_has_versions_of_what_segmenters_encode_with(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 'segment_anything' in sys.modules
    monkeypatch.delitem(sys.modules, 'transformers', raising=False)
    store = PseudoLabelStore(tmp_path)
    Rounds(make_config().train_dataloader.dataset).make(store)

    versions = store.manifest(0)['versions']
    assert versions['segment_anything'] == version('segment-anything')
    assert 'transformers' not in versions
    # They are no part of what a round is recognised by.
    assert 'segment_anything' not in str(store.manifest(0)['identity'])


@pytest.mark.parametrize('mode', ['online', 'round'])
def test_first_refresh_needs_space_for_confident_labels(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    cfg = make_config(model__teacher=mode)
    rounds = Rounds(cfg.train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'store')
    model = MODELS.build(cfg.model).eval()
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.95)
    rounds.make(store)
    # Enough for the pseudo-labels alone.
    full = shutil.disk_usage(tmp_path)._replace(free=int(1.5 * store.size(0)))
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: full)

    if mode == 'round':
        with pytest.raises(RoundError, match='the round takes about'):
            rounds.make(store, 1, teacher=teacher)
        full = full._replace(free=2 * store.size(0))
    rounds.make(store, 1, teacher=teacher)

    stored = (store.folder(1) / 'confident').is_dir()
    assert stored == (mode == 'round')


def test_resumed_round_needs_space_for_its_missing_images_alone(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = Rounds(make_config().train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'store')
    # Three images to learn from, and two to label.
    rounds.generator.segmenter = CountingSegmenter(5)
    with pytest.raises(RoundError, match='the power went off'):
        rounds.make(store)
    # All three images are expected to take 1152 bytes.
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    assert store.staged_size(0) > 152
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: full)

    rounds.generator.segmenter = CountingSegmenter()
    assert rounds.make(store).images == 3


class NotingStore(PseudoLabelStore):
    """Notes the keys of the images that are staged."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.keys: list[str] = []

    def stage(self, round_index: int, key: str, *args) -> None:
        self.keys.append(key)
        super().stage(round_index, key, *args)


def test_make_round_makes_an_image_once_that_is_listed_twice(
    make_config: Callable[..., Config], scribbles: Path, tmp_path: Path
) -> None:
    (scribbles / 'list.txt').write_text('deep/2\ndeep/0\ndeep/2\n')
    dataset = make_config().train_dataloader.dataset
    dataset.ann_file = 'list.txt'
    store = NotingStore(tmp_path / 'store')

    summary = Rounds(dataset).make(store)

    assert sorted(store.keys) == ['images/deep/0', 'images/deep/2']
    assert summary.images == 2
    kinds = store.manifest(0)['kinds']
    assert {kind: total['images'] for kind, total in kinds.items()} == {
        'weak': 2
    }


def _slide(model: torch.nn.Module) -> None:
    window = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    for part in (model, model.teacher):
        part.test_cfg.update(window)


def test_make_round_again_if_the_teacher_predicts_differently(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    cfg = make_config()
    cfg.model.data_preprocessor.update(mean=[100] * 3, std=[50] * 3)
    model = MODELS.build(cfg.model).eval()
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.95)
    rounds = Rounds(cfg.train_dataloader.dataset)
    store = NotingStore(tmp_path / 'store')

    def make(index: int) -> int:
        store.keys.clear()
        rounds.make(store, index, teacher=teacher if index else None)
        return len(store.keys)

    assert [make(0), make(1), make(1)] == [3, 3, 0]
    prior = TeacherPrior(torch.tensor([0.5, 0.3, 0.2]))
    weights = model.teacher.decode_head.conv_seg.bias
    preprocessor, padding = model.data_preprocessor, dict(size_divisor=32)
    changes = dict(
        windows=lambda: _slide(model),
        mean=lambda: preprocessor.mean.add_(9),
        channels=lambda: setattr(preprocessor, 'channel_conversion', True),
        padding=lambda: setattr(preprocessor, 'test_cfg', padding),
        weights=lambda: weights.data.add_(0.1),
        enrich_threshold=lambda: setattr(teacher, 'enrich_threshold', 0.8),
        confident_threshold=lambda: setattr(model, 'confident_threshold', 0.8),
        agreement=lambda: setattr(model, 'agreement', 0.4),
        only_weak_classes=lambda: setattr(model, 'only_weak_classes', True),
        prior=lambda: setattr(model, 'teacher_prior', prior),
    )
    for name, change in changes.items():
        change()
        assert make(1) == 3, name


def test_refresh_stores_weak_labels_that_the_teacher_contradicts(
    make_config: Callable[..., Config], scribbles: Path, tmp_path: Path
) -> None:
    cfg = make_config(model__teacher='round', model__agreement=1.0)
    rounds = Rounds(cfg.train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'store')
    model = MODELS.build(cfg.model).eval()
    # It predicts the first class everywhere.
    model.teacher.decode_head.conv_seg.bias.data[0] += 99
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.95)

    rounds.make(store)
    rounds.make(store, 1, teacher=teacher)

    weak = read_label(scribbles / 'weak/deep/0.png')
    made = store.read('images/deep/0', 1)
    assert (made[weak != 255] == weak[weak != 255]).all()
    assert (made[weak == 255] == 0).all()


@pytest.mark.usefixtures('alike_classes')
@pytest.mark.parametrize('damaged', [False, True])
def test_make_round_0_that_was_interrupted_learns_once(
    make_config: Callable[..., Config], tmp_path: Path, damaged: bool
) -> None:
    rounds = Rounds(make_config().train_dataloader.dataset)
    stores = [PseudoLabelStore(tmp_path / name) for name in ('one', 'two')]
    rounds.make(stores[0])
    # Three images to learn from, and the first to label.
    rounds.generator.segmenter = CountingSegmenter(4)
    with pytest.raises(RoundError, match='the power went off'):
        rounds.make(stores[1])
    missing = len(rounds.images.facts) - len(stores[1].staged(0))
    if damaged:
        path = stores[1].learned(0)
        path.write_bytes(path.read_bytes()[:-99])

    rounds.generator.segmenter = segmenter = CountingSegmenter()
    rounds.make(stores[1])

    assert segmenter.encoded == missing + 3 * damaged
    content = [
        {
            str(path.relative_to(store.root)): path.read_bytes()
            for path in store.folder(0).rglob('*.*')
            if path.is_file()
        }
        for store in stores
    ]
    assert content[0] == content[1]


class ColourSegmenter(BaseSegmenter):
    """Returns pixels with about the colour of a prompt's first point.

    Of three masks the second is too large, and the third, of the smallest
    score, is off by some pixels.
    """

    fingerprint = dict(type='ColourSegmenter')

    def encode(self, images: Sequence[np.ndarray]) -> list:
        return [image.astype(int) for image in images]

    def decode(self, image: np.ndarray, prompts: Sequence) -> MaskCandidates:
        points = [prompt.points[0].astype(int) for prompt in prompts]
        masks = []
        for x, y in points:
            distance = abs(image - image[y, x]).max(axis=2)
            exact = distance <= 10
            masks.append([exact, distance <= 60, np.roll(exact, 6, axis=1)])
        scores = np.tile([0.9, 0.8, 0.7], (len(prompts), 1))
        return MaskCandidates(np.array(masks), scores)


@pytest.mark.usefixtures('alike_classes')
def test_make_round_makes_the_round_of_its_format(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rounds = Rounds(make_config().train_dataloader.dataset)
    rounds.generator.segmenter = ColourSegmenter()
    store = PseudoLabelStore(tmp_path / 'store')

    rounds.make(store)

    labels = [store.read(fact.key, 0).ravel() for fact in rounds.images.facts]
    pixels = np.bincount(np.concatenate(labels))[[0, 1, 2, 255]]
    prior = ConflictPrior.from_json(store.manifest(0)['prior'])
    # If one of them changes, raise FORMAT: rounds that were made before are
    # reused otherwise.
    assert rounds.settings['format'] == 17
    # Other machines may round a few pixels to another class.
    assert pixels.tolist() == pytest.approx([1328, 243, 1640, 2549], abs=10)
    assert prior.shares[:3].mean() == pytest.approx(0.6869, abs=1e-3)


class RowsTeacher(TeacherPredictor):
    """Predicts the first class in the upper rows, and `below` it another."""

    below = 0

    def bands(self, batch: dict) -> Iterator[tuple[slice, torch.Tensor]]:
        height, width = batch['data_samples'][0].ori_shape[:2]
        probability = torch.full((3, height, width), 0.05)
        probability[0, :8] = probability[self.below, 8:] = 0.9
        yield slice(0, height), probability


@pytest.mark.usefixtures('alike_classes')
def test_refresh_selects_by_evidence_of_the_teacher_and_the_first_prior(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    cfg = make_config()
    model = MODELS.build(cfg.model).eval()
    teacher = RowsTeacher(model, ValidationTransforms(), 0.95)
    rounds = Rounds(cfg.train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'store')

    def accepted(index: int) -> int:
        """Components of the first class with a mask, in a new round."""
        rounds.make(store, index, teacher=teacher)
        records = (store.record(f.key, index) for f in rounds.images.facts)
        return sum(
            bool(component['chosen'])
            for record in records
            for component in record['components']
            if not component['class_id']
        )

    rounds.make(store)
    assert accepted(1) > 0
    teacher.below = 1
    assert accepted(2) == 0

    prior = store.manifest(0)['prior']
    assert ConflictPrior.from_json(prior).shares.any()
    assert store.manifest(1)['prior'] == prior
