"""Loss terms and label maps of sources that share the labels of people."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Callable

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import source_losses
from mmseg_sesam.structures import SOURCES, LabelSource

from .loss_terms import (
    CROSS_ENTROPY,
    NONE,
    WEIGHTS,
    make_head,
    mean_entropy,
    random_ids,
)

DENSE = LabelSource('dense', 'gt_sem_seg', kinds=['dense'])
MakeConfig = Callable[..., dict]
MakeBatch = Callable[..., dict]


def configs(*sources: LabelSource) -> list[dict]:
    return [dict(type='LabelSource', **vars(source)) for source in sources]


@pytest.fixture
def shared() -> LabelMaps:
    """The first image is dense, the second has two weak rows."""
    weak, dense = torch.full((2, 2, 6, 4), NONE, dtype=torch.uint8)
    dense[0] = random_ids(6, 4)
    weak[1, :2] = random_ids(2, 4)
    labels = dict(dense=dense, weak=weak)
    return LabelMaps.disjoint(labels, torch.ones_like(weak).bool())


def test_source_losses_have_a_mean_for_each_kind(
    logits: Tensor, shared: LabelMaps
) -> None:
    losses = source_losses(
        logits,
        shared,
        make_head(dict(CROSS_ENTROPY, class_weight=WEIGHTS)),
        [replace(DENSE, loss_weight=0.25), SOURCES[0]],
        step=0,
    )
    weights = torch.tensor(WEIGHTS)
    dense, weak = (
        mean_entropy(logits, shared.labels[name], weight=weights)
        for name in ('dense', 'weak')
    )
    torch.testing.assert_close(losses['loss_dense'], dense / 4)
    torch.testing.assert_close(losses['loss_weak'], weak)
    assert 0 <= losses['acc_seg'] <= 100


def test_source_losses_of_people_by_remaining_pixels(
    logits: Tensor, shared: LabelMaps
) -> None:
    sources = [
        replace(DENSE, normalizer='remaining'),
        replace(SOURCES[0], normalizer='remaining'),
    ]
    losses = source_losses(
        logits,
        shared,
        make_head(CROSS_ENTROPY, dict(type='LovaszLoss', reduction='none')),
        sources,
        step=0,
    )
    plain = source_losses(
        logits,
        shared,
        make_head(CROSS_ENTROPY, dict(type='LovaszLoss', reduction='none')),
        [DENSE, SOURCES[0]],
        step=0,
    )
    # Half of all pixels are dense; 8 of the other 24 are weak.
    shares = dict(
        loss_dense=1 / 2,
        loss_lovasz_dense=1 / 2,
        loss_weak=1 / 3,
        loss_lovasz=1 / 3,
    )
    assert plain.keys() == {*shares, 'acc_seg'}
    for name, share in shares.items():
        torch.testing.assert_close(losses[name], share * plain[name])


def test_one_source_without_kinds_equals_the_default(
    make_config: MakeConfig, batch_of: MakeBatch
) -> None:
    results = []
    for sources in (None, configs(*SOURCES)):
        torch.manual_seed(0)
        model = MODELS.build(make_config(sources=sources))
        batch = batch_of((32, 32), (32, 24))
        for sample in batch['data_samples']:
            sample.set_metainfo(dict(label_kind='scribble'))
        data = model.data_preprocessor(batch, training=True)
        results.append(model.loss(**data))
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name]), name


def label_maps(
    make_config: MakeConfig, batch: dict, kinds: list, *sources: LabelSource
) -> dict[str, Tensor]:
    model = MODELS.build(make_config(sources=configs(*sources)))
    for sample, kind in zip(batch['data_samples'], kinds):
        if kind is not None:
            sample.set_metainfo(dict(label_kind=kind))
    data = model.data_preprocessor(batch, training=True)
    return model.label_maps(data['inputs'], data['data_samples']).labels


def test_label_maps_share_out_images_by_kind(
    make_config: MakeConfig, batch_of: MakeBatch
) -> None:
    batch = batch_of((32, 32), (32, 32), (32, 32))
    given = [s.gt_sem_seg.data[0] for s in batch['data_samples']]
    maps = label_maps(
        make_config,
        batch,
        ['scribble', 'dense', None],
        DENSE,
        *SOURCES,
    )
    labelled = {k: (m != NONE).flatten(1).any(1) for k, m in maps.items()}
    assert labelled['dense'].tolist() == [False, True, False]
    assert labelled['weak'].tolist() == [True, False, True]
    assert torch.equal(maps['dense'][1], given[1])
    assert torch.equal(maps['weak'][0], given[0])
    # What a dense label leaves is void.
    assert not labelled['pseudo'][1] and labelled['pseudo'][0]
    assert not labelled['confident'][1]


def test_label_maps_reject_a_kind_that_no_source_takes(
    make_config: MakeConfig, batch_of: MakeBatch
) -> None:
    batch = batch_of((32, 32))
    with pytest.raises(ValueError, match="'point', .* its label is lost"):
        label_maps(make_config, batch, ['point'], DENSE)
    # An image without a label loses nothing.
    label_maps(make_config, batch, ['none'], DENSE)


def test_only_weak_classes_rules_nothing_out_without_a_label(
    make_config: MakeConfig, batch_of: MakeBatch
) -> None:
    model = MODELS.build(make_config(only_weak_classes=True)).eval()
    batch = batch_of((32, 32), (32, 32))
    for sample, classes in zip(batch['data_samples'], ([1], [])):
        sample.set_metainfo(dict(weak_classes=classes, label_kind='none'))
    data = model.data_preprocessor(batch, training=True)
    logits = torch.zeros(2, 4, 8, 8)
    found = model.to_probability(logits, data['data_samples'])
    assert (found[0, 1] == 1).all()
    assert (found[1] == 1 / 4).all()


@pytest.mark.parametrize(
    ('sources', 'said'),
    [
        ([], 'got no source with field='),
        ([SOURCES[1]], 'got no source with field='),
        ([SOURCES[0], DENSE], "'weak' .* takes all labels .* 'dense' after"),
        (
            [DENSE, replace(DENSE, name='both', kinds=['point', 'dense'])],
            "have 'dense' in kinds, expected each kind once",
        ),
    ],
)
def test_model_rejects_sources_that_do_not_share_labels_out(
    make_config: MakeConfig, sources: list[LabelSource], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        MODELS.build(make_config(sources=configs(*sources)))


@pytest.mark.parametrize('kinds', ['dense', [], ['none'], ['boxes']], ids=str)
def test_label_source_rejects_kinds(kinds: object) -> None:
    with pytest.raises(ValueError, match='expected a list of kinds'):
        LabelSource('dense', 'gt_sem_seg', kinds=kinds)


def test_label_source_rejects_kinds_of_pseudo_labels() -> None:
    with pytest.raises(ValueError, match='expected kinds only with field'):
        LabelSource('dense', 'pseudo_sem_seg', kinds=['dense'])


def test_entropy_of_one_dense_image_does_not_outweigh_scribbles() -> None:
    # Class 0 has probability 1/2 everywhere, 1 has 1/4.
    logits = torch.tensor([2.0, 1.0, 1.0]).log().view(1, 3, 1, 1)
    logits = logits.expand(2, 3, 10, 10)
    dense, weak = torch.full((2, 2, 10, 10), NONE, dtype=torch.uint8)
    dense[0], weak[1, 0, 0] = 0, 1
    maps = LabelMaps.disjoint(
        dict(dense=dense, weak=weak), torch.ones_like(weak).bool()
    )
    losses = source_losses(
        logits, maps, make_head(CROSS_ENTROPY), [DENSE, SOURCES[0]], 0
    )
    ln2 = math.log(2)
    assert losses['loss_dense'].item() == pytest.approx(ln2)
    assert losses['loss_weak'].item() == pytest.approx(2 * ln2)
