"""Rounds of dense, weakly labelled and unlabelled images together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mixed import loader_of, mix
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image
from tiny_rounds import CountingSegmenter, Rounds

from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.rounds.label_image import ImageLabeller
from mmseg_sesam.rounds.learning import learn_appearance, learn_prior
from mmseg_sesam.rounds.summary import RoundSummary
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.rounds.weak_shares import count_weak_labels
from mmseg_sesam.store.store import PseudoLabelStore

KEYS = [f'images/deep/{index}' for index in range(3)]


@pytest.fixture
def look(make_config: Callable[..., Config]) -> Callable:
    dataset = mix(make_config()).train_dataloader.dataset
    return lambda: TrainingImages(dataset, 0)


@pytest.fixture
def rounds(make_config: Callable[..., Config]) -> Rounds:
    rounds = Rounds(mix(make_config()).train_dataloader.dataset)
    rounds.generator.segmenter = CountingSegmenter()
    return rounds


@pytest.fixture
def first(rounds: Rounds, tmp_path: Path) -> PseudoLabelStore:
    """A store with round 0."""
    store = PseudoLabelStore(tmp_path / 'store')
    rounds.make(store)
    return store


def test_first_round_keeps_dense_labels_and_leaves_unlabelled_images(
    first: PseudoLabelStore, rounds: Rounds, scribbles: Path
) -> None:
    dense = np.array(Image.open(scribbles / 'dense/deep/0.png'))
    np.testing.assert_array_equal(first.read(KEYS[0], 0), dense)
    assert (first.read(KEYS[2], 0) == 255).all()
    weak = np.array(Image.open(scribbles / 'weak/deep/1.png'))
    made = first.read(KEYS[1], 0)
    assert (made[weak != 255] == weak[weak != 255]).all()
    assert (made != 255).sum() > 2 * (weak != 255).sum()
    # Once for the prior and once for the pseudo-label.
    assert rounds.generator.segmenter.encoded == 2


def test_first_round_counts_kinds(first: PseudoLabelStore) -> None:
    manifest = first.manifest(0)
    summary = RoundSummary(**manifest['summary'])
    assert summary[:3] == (3, 1, 3)
    assert summary.dense_images == 1
    kinds = {k: RoundSummary(**v) for k, v in manifest['kinds'].items()}
    assert kinds.keys() == {'dense', 'scribble', 'none'}
    assert RoundSummary.total(kinds.values()) == summary
    assert kinds['dense'].labelled_pixels == 40 * 48
    assert kinds['none'].labelled_pixels == 0
    assert kinds['scribble'].components == 3
    assert '1 dense, 1 unlabelled' in str(summary)


def test_refresh_leaves_void_pixels_of_dense_labels(
    make_config: Callable[..., Config], scribbles: Path, tmp_path: Path
) -> None:
    path = scribbles / 'dense/deep/0.png'
    dense = np.array(Image.open(path))
    dense[5:9, 20:30] = 255
    Image.fromarray(dense).save(path)
    cfg = mix(make_config())
    model = MODELS.build(cfg.model).eval()
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.0)
    rounds = Rounds(cfg.train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'store')

    rounds.make(store)
    rounds.make(store, 1, teacher=teacher)

    for index in range(2):
        np.testing.assert_array_equal(store.read(KEYS[0], index), dense)
    assert (store.read(KEYS[2], 1) != 255).all()


@pytest.mark.usefixtures('alike_classes')
@pytest.mark.parametrize('kind', ['dense', 'none'])
def test_appearance_and_prior_are_learned_from_weak_images(
    make_config: Callable[..., Config], rounds: Rounds, kind: str
) -> None:
    alone = make_config().train_dataloader.dataset
    alone.indices = [1, 2]
    mixed = mix(make_config(), [kind, 'scribble', 'scribble'])
    learned = []
    for dataset in (alone, mixed.train_dataloader.dataset):
        images = TrainingImages(dataset, 0)
        labeller = ImageLabeller(rounds.generator, images.data_root)
        appearance = learn_appearance(images, labeller.read)
        labeller = replace(labeller, appearance=appearance)
        count = labeller.count_masks
        prior = learn_prior(images, labeller.read, count)
        assert prior.shares.any()
        learned.append((appearance.weights, prior.to_json()))
    np.testing.assert_array_equal(learned[0][0], learned[1][0])
    assert learned[0][1] == learned[1][1]


def test_facts_of_an_unlabelled_image_follow_the_image_alone(
    look: Callable[[], TrainingImages], scribbles: Path
) -> None:
    before = look().facts
    assert [fact.kind for fact in before] == ['dense', 'scribble', 'none']
    assert {fact.pixels for fact in before} == {40 * 48}
    (scribbles / 'weak/deep/2.png').unlink()
    assert look().facts == before
    path = scribbles / 'images/deep/2.png'
    Image.open(path).rotate(180).save(path)
    after = look().facts
    assert [a == b for a, b in zip(before, after)] == [True, True, False]


def test_training_images_count_missing_labels(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    for index in (0, 2):
        (scribbles / f'weak/deep/{index}.png').unlink()
    dataset = make_config().train_dataloader.dataset
    with pytest.raises(
        FileNotFoundError,
        match="2 of 3 training images .*deep/0.png; .*unlabelled='allow'",
    ):
        TrainingImages(dataset, 0)
    loader_of(dataset).unlabelled = 'allow'
    images = TrainingImages(dataset, 0)
    assert [fact.kind for fact in images.facts] == ['none', None, 'none']
    assert [*images.facts_by_kind()] == ['none', 'weak']


def test_count_weak_labels_counts_dense_images_too(
    make_config: Callable[..., Config],
) -> None:
    dataset = mix(make_config()).train_dataloader.dataset
    counts = count_weak_labels(TrainingImages(dataset, 0), 3)
    assert counts.sum() == 3 * 24 + 40 * 48


def test_training_images_reject_an_image_with_two_labels(
    make_config: Callable[..., Config],
) -> None:
    dataset = mix(make_config()).train_dataloader.dataset
    dataset.datasets[1].indices = [0, 1]
    with pytest.raises(ValueError, match='0.png is listed in two data sets'):
        TrainingImages(dataset, 0)


def test_make_round_without_weak_images(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    dataset = mix(make_config(), ['dense', 'none']).train_dataloader.dataset
    rounds = Rounds(dataset)
    rounds.generator.segmenter = segmenter = CountingSegmenter()
    summary = rounds.make(PseudoLabelStore(tmp_path))
    assert (summary.images, summary.components) == (2, 0)
    assert segmenter.encoded == 0
