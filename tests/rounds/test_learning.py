"""What a round learns from weak labels, on one rank and on two."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from tiny_rounds import Rounds
from warm_processes import run_warm

from mmseg_sesam.core.appearance import AppearanceModel, collect_samples
from mmseg_sesam.core.conflict_prior import ConflictPrior, count_masks
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.rounds.learning import (
    learn_appearance,
    learn_prior,
    load_learned,
    save_learned,
)
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.store.store import PseudoLabelStore

# Prints digests of what a rank has learned from the data set of a config.
CODE = """
import hashlib
import sys

import mmseg_sesam
from mmengine import dist
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import distributed

from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.rounds.distributed import build_group
from mmseg_sesam.rounds.learning import learn_appearance, learn_prior
from mmseg_sesam.rounds.training_images import TrainingImages
from test_learning import read_sample

if sys.argv[2] == 'ranks':
    distributed.init_process_group('gloo')
init_default_scope('mmseg')
group = build_group()
dataset = Config.fromfile(sys.argv[1]).train_dataloader.dataset
images = TrainingImages(dataset, 0, group=group)
generator = PseudoLabelGenerator(dict(type='SuperpixelSegmenter'))


def count(sample):
    prepared = generator.prepare(sample.image, sample.weak)
    return generator.count_masks(sample.image, prepared)


model = learn_appearance(images, read_sample, group)
prior = learn_prior(images, read_sample, count, group)
for array in (
    *(model.mean, model.weights),
    *(prior.shares, prior.score_odds),
):
    print('learned', hashlib.sha256(array.tobytes()).hexdigest(),
          model.temperature, prior.shares.any())
del group       # Its threads may abort Python at its end.
if dist.is_distributed():
    distributed.destroy_process_group()
"""


class Sample(NamedTuple):
    """An image in RGB with its weak label."""

    image: np.ndarray
    weak: np.ndarray


def read_sample(batch: dict) -> Sample:
    image = batch['inputs'][0].numpy()[::-1].transpose(1, 2, 0)
    label = batch['data_samples'][0].gt_sem_seg.data[0].numpy()
    return Sample(np.ascontiguousarray(image), label)


@pytest.fixture
def look(make_config: Callable[..., Config]) -> Callable[[], TrainingImages]:
    dataset = make_config().train_dataloader.dataset
    return lambda: TrainingImages(dataset, 0)


def relabel(
    scribbles: Path, change: Callable[[np.ndarray], np.ndarray], *names: int
) -> None:
    """Changes the weak labels of some of the three images."""
    for name in names:
        path = scribbles / f'weak/deep/{name}.png'
        Image.fromarray(change(read_label(path))).save(path)


def without_labels(label: np.ndarray) -> np.ndarray:
    return np.full_like(label, 255)


def with_one_class(label: np.ndarray) -> np.ndarray:
    return np.where(label == 1, label, 255).astype(np.uint8)


def samples_of(scribbles: Path, *names: int) -> list:
    return [
        collect_samples(
            np.array(Image.open(scribbles / f'images/deep/{name}.png')),
            read_label(scribbles / f'weak/deep/{name}.png'),
        )
        for name in names
    ]


def assert_equal(model: AppearanceModel, expected: AppearanceModel) -> None:
    for name in ('mean', 'scale', 'weights', 'temperature'):
        np.testing.assert_array_equal(
            getattr(model, name), getattr(expected, name)
        )


@pytest.mark.usefixtures('alike_classes')
def test_learning_on_two_ranks_equals_one_process(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    script, config = tmp_path / 'learn.py', tmp_path / 'config.py'
    script.write_text(CODE)
    make_config().dump(config)
    here = Path(__file__).parent
    path = f'{here}:{here.parent / "support"}'
    learned = []
    for kind, ranks in (('alone', 1), ('ranks', 2)):
        done = run_warm(script, config, kind, ranks=ranks, PYTHONPATH=path)
        assert done.returncode == 0, done.stdout
        lines = done.stdout.splitlines()
        learned.append([s for s in lines if s.startswith('learned')])
    alone, together = learned
    assert len(alone) == 4 and alone[0].endswith('True')
    # The ranks print their lines in any order.
    assert sorted(together) == sorted(alone * 2)


def test_learn_appearance_is_fitted_to_all_images_in_order(
    look: Callable[[], TrainingImages], scribbles: Path
) -> None:
    model = learn_appearance(look(), read_sample)
    expected = AppearanceModel.fit(samples_of(scribbles, 0, 1, 2))
    assert_equal(model, expected)


def test_learn_appearance_skips_images_without_labels(
    look: Callable[[], TrainingImages], scribbles: Path
) -> None:
    relabel(scribbles, without_labels, 1)
    model = learn_appearance(look(), read_sample)
    assert_equal(model, AppearanceModel.fit(samples_of(scribbles, 0, 2)))


def test_learning_counts_an_image_once_that_is_listed_twice(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    (scribbles / 'list.txt').write_text('deep/0\ndeep/1\ndeep/0\n')
    dataset = make_config().train_dataloader.dataset
    dataset.ann_file = 'list.txt'
    images, seen = TrainingImages(dataset, 0), []
    model = learn_appearance(images, read_sample)
    assert_equal(model, AppearanceModel.fit(samples_of(scribbles, 0, 1)))

    def count(sample: Sample) -> np.ndarray:
        seen.append(sample)
        return ConflictPrior.no_counts()

    learn_prior(images, read_sample, count)
    assert len(seen) == 2


@pytest.mark.parametrize('change', [without_labels, with_one_class])
def test_learn_appearance_needs_two_classes(
    look: Callable[[], TrainingImages],
    scribbles: Path,
    change: Callable[[np.ndarray], np.ndarray],
) -> None:
    relabel(scribbles, change, 0, 1, 2)
    assert learn_appearance(look(), read_sample) is None


@pytest.mark.parametrize('fitted', [True, False])
def test_load_learned_reads_what_save_learned_writes(
    look: Callable[[], TrainingImages], tmp_path: Path, fitted: bool
) -> None:
    appearance = learn_appearance(look(), read_sample) if fitted else None
    shares, odds = np.random.default_rng(0).random((2, 256, 16))
    prior = ConflictPrior(shares, odds[0])
    save_learned(tmp_path / 'learned.npz', appearance, prior)

    read, again = load_learned(tmp_path / 'learned.npz')

    np.testing.assert_array_equal(again.shares, shares)
    np.testing.assert_array_equal(again.score_odds, odds[0])
    assert (read is None) == (appearance is None)
    if fitted:
        assert read.temperature == appearance.temperature
        np.testing.assert_array_equal(read.weights, appearance.weights)


def test_learn_prior_sums_the_counts_of_images(
    look: Callable[[], TrainingImages],
) -> None:
    def count(sample: Sample) -> np.ndarray:
        expansion = np.array([sample.weak.size / (sample.weak == 1).sum()])
        return count_masks(
            np.full(len(expansion), 1), expansion, np.ones(1), np.array([True])
        )

    images = look()
    prior = learn_prior(images, read_sample, count)
    samples = map(read_sample, images.load([0, 1, 2]))
    expected = ConflictPrior.fit(sum(map(count, samples)))
    np.testing.assert_array_equal(prior.shares, expected.shares)
    assert prior.shares.max() == 1


def test_learn_prior_of_images_without_masks_rejects_nothing(
    look: Callable[[], TrainingImages],
) -> None:
    prior = learn_prior(
        look(), read_sample, lambda _: ConflictPrior.no_counts()
    )
    assert not prior.shares.any()


@pytest.mark.parametrize(
    ('change', 'labelled'), [(without_labels, 0), (with_one_class, 1)]
)
def test_make_round_of_fewer_than_two_classes(
    make_config: Callable[..., Config],
    scribbles: Path,
    tmp_path: Path,
    change: Callable[[np.ndarray], np.ndarray],
    labelled: int,
) -> None:
    relabel(scribbles, change, 0, 1, 2)
    store = PseudoLabelStore(tmp_path / 'store')
    summary = Rounds(make_config().train_dataloader.dataset).make(store)
    assert summary.images == 3
    assert summary.components == 3 * labelled
    assert bool(summary.labelled_pixels) == bool(labelled)
    # Without a second class no mask can conflict.
    prior = ConflictPrior.from_json(store.manifest(0)['prior'])
    assert not prior.shares.any()
