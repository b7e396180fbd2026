"""Images drawn by the kind of their labels."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Callable

import pytest
from mixed import mix
from mmengine.config import Config
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset

KINDS = ('dense', 'scribble', 'none')
RATIO = dict(dense=1, scribble=2, none=5)


@pytest.fixture
def dataset(make_config: Callable[..., Config]) -> Dataset:
    """60 images: of each kind one, repeated."""
    config = mix(make_config(), KINDS).train_dataloader.dataset
    return DATASETS.build(dict(type='RepeatDataset', times=20, dataset=config))


@pytest.fixture
def draw(dataset: Dataset) -> Callable[..., list[int]]:
    def drawn(count: int, rank: int = 0, ranks: int = 1, **options):
        sampler = DATA_SAMPLERS.build(
            dict(
                dict(type='LabelKindSampler', ratio=RATIO, seed=3), **options
            ),
            default_args=dict(dataset=dataset),
        )
        sampler.rank, sampler.world_size = rank, ranks
        return [*islice(sampler, count)]

    return drawn


def kinds_of(places: list[int]) -> Counter:
    return Counter(KINDS[place % 3] for place in places)


def test_label_kind_sampler_keeps_the_ratio_in_every_batch(
    draw: Callable[..., list[int]],
) -> None:
    places = draw(240)
    for start in range(0, 240, 8):
        assert kinds_of(places[start : start + 8]) == RATIO
    # Each order holds each image of the kind once.
    dense = [place for place in places if place % 3 == 0]
    assert sorted(dense[:20]) == [*range(0, 60, 3)]
    assert dense[:20] != sorted(dense[:20])
    # Kinds have orders of their own.
    unlabelled = [place - 2 for place in places if place % 3 == 2]
    assert dense[:20] != unlabelled[:20]


def test_label_kind_sampler_draws_less_than_one_image_of_a_batch(
    draw: Callable[..., list[int]],
) -> None:
    ratio = dict(dense=0.05, scribble=0.45, none=0.5)
    places = draw(80, ratio=ratio)
    assert kinds_of(places) == dict(dense=4, scribble=36, none=40)
    for start in range(0, 80, 8):
        assert kinds_of(places[start : start + 8])['dense'] <= 1


def test_label_kind_sampler_begins_again_with_each_pass(
    dataset: Dataset,
) -> None:
    sampler = DATA_SAMPLERS.build(
        dict(type='LabelKindSampler', dataset=dataset, ratio=RATIO, seed=1)
    )
    first = [*islice(sampler, 30)]
    # A resumed run draws again what it skips.
    assert [*islice(sampler, 50)][:30] == first
    assert len(sampler) == 60


def test_label_kind_sampler_shares_images_out_among_ranks(
    draw: Callable[..., list[int]],
) -> None:
    ranks = [draw(160, rank, 2) for rank in range(2)]
    for places in ranks:
        assert kinds_of(places[:8]) == RATIO
    # Together they draw each of 20 unlabelled images as often.
    drawn = Counter(place for places in ranks for place in places)
    assert {drawn[place] for place in range(2, 60, 3)} == {10}
    assert draw(160, 0, 2) == ranks[0]


def test_label_kind_sampler_follows_seed_and_shuffle(
    draw: Callable[..., list[int]],
) -> None:
    assert draw(60) == draw(60)
    assert draw(60) != draw(60, seed=4)
    listed = draw(16, shuffle=False)
    assert [place for place in listed if place % 3 == 2] == [*range(2, 32, 3)]


@pytest.mark.parametrize(
    ('ratio', 'said'),
    [
        (dict(RATIO, point=1), "no image .* has the kind 'point', expected"),
        (dict(dense=1, none=1), "without 'scribble', whose images would"),
        (dict(RATIO, dense=0), 'a number above 0 for each kind'),
        (dict(boxes=1), 'a number above 0 for each kind of label, of'),
        ([1, 2, 3], 'a number above 0 for each kind'),
    ],
)
def test_label_kind_sampler_rejects_ratios(
    draw: Callable[..., list[int]], ratio: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        draw(1, ratio=ratio)


def test_label_kind_sampler_rejects_images_without_a_kind(
    make_config: Callable[..., Config],
) -> None:
    dataset = DATASETS.build(make_config().train_dataloader.dataset)
    with pytest.raises(ValueError, match='without a kind; set kind of Load'):
        DATA_SAMPLERS.build(
            dict(type='LabelKindSampler', dataset=dataset, ratio=RATIO)
        )
