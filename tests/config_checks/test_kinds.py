"""Kinds of labels that data sets, sources and sampler name."""

from __future__ import annotations

import copy
from typing import Callable

import pytest
from mixed import BY_KIND, loader_of, mix
from mmengine.config import Config
from pipelines import place_of

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.models import GatedCRFLoss

from .changes import MakeConfig

RATIO = dict(dense=1, scribble=2, none=5)
CRF = [dict(type='GatedCRFLoss', loss_weight=0.1)]


def parts_of(cfg: Config) -> list[dict]:
    return cfg.train_dataloader.dataset.datasets


def no_dense_images(cfg: Config) -> None:
    cfg.train_dataloader.sampler.ratio = dict(scribble=1, none=1)
    cfg.train_dataloader.dataset.datasets = parts_of(cfg)[1:]


def nobody_takes_scribbles(cfg: Config) -> None:
    del cfg.model.sources[1]


def sources_of_kinds_and_labels_without(cfg: Config) -> None:
    cfg.model.sources[1].kinds = ['scribble']
    del loader_of(parts_of(cfg)[1]).kind
    parts_of(cfg).append(copy.deepcopy(parts_of(cfg)[0]))
    loader_of(parts_of(cfg)[-1]).kind = 'scribble'


def ratio_of_points(cfg: Config) -> None:
    cfg.train_dataloader.sampler.ratio = dict(RATIO, point=1)


def ratio_without_dense(cfg: Config) -> None:
    cfg.train_dataloader.sampler.ratio = dict(scribble=1, none=1)


def ratio_of_unknown_kinds(cfg: Config) -> None:
    del loader_of(parts_of(cfg)[1]).kind


def no_labels(cfg: Config) -> None:
    for part in parts_of(cfg):
        loader_of(part).kind = 'none'


def epochs(cfg: Config) -> None:
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)


def mosaic(cfg: Config) -> None:
    # An online teacher would label what a mosaic leaves black.
    cfg.model.teacher = None
    for part in parts_of(cfg):
        del part.pipeline[place_of(part.pipeline, 'KeepTeacherView')]
    cfg.train_dataloader.dataset = dict(
        type='MultiImageMixDataset',
        dataset=cfg.train_dataloader.dataset,
        pipeline=[dict(type='RandomMosaic', prob=1)],
    )


def mosaic_of_images_without_files(cfg: Config) -> None:
    parts_of(cfg)[1:] = []
    loader_of(parts_of(cfg)[0]).unlabelled = 'allow'
    del cfg.train_dataloader.sampler
    mosaic(cfg)


def nothing_without_labels(cfg: Config) -> None:
    cfg.model.teacher = None
    cfg.default_hooks.pseudo_labels.enabled = False


def nothing_without_files(cfg: Config) -> None:
    nothing_without_labels(cfg)
    cfg.train_dataloader.pop('sampler')
    del parts_of(cfg)[2]
    loader_of(parts_of(cfg)[1]).unlabelled = 'allow'


class DerivedCRFLoss(GatedCRFLoss):
    """Leaves the same images out as its base class."""


def only_outlines_without_labels(cfg: Config) -> None:
    nothing_without_labels(cfg)
    cfg.model.regularizers = CRF


def outlines_of_dense_labels(cfg: Config) -> None:
    del parts_of(cfg)[1]
    cfg.train_dataloader.sampler.ratio = dict(dense=1, none=1)
    cfg.model.regularizers = [dict(type=DerivedCRFLoss)]


NO_EFFECT = {
    only_outlines_without_labels: 'no regularizer but GatedCRFLoss',
    outlines_of_dense_labels: (
        r"GatedCRFLoss.*the kinds \['dense', 'none'\]; take it out"
    ),
    mosaic: 'RandomMosaic, which joins images of several kinds',
    mosaic_of_images_without_files: 'RandomMosaic, .* with and without one',
    nothing_without_labels: (
        "kind='none' .* teacher=None, no refreshes.* take the data set out "
        "and take 'none' out of ratio"
    ),
    nothing_without_files: "unlabelled='allow' .* teacher=None, no refreshes",
    epochs: 'without end, and train_cfg counts epochs',
    no_dense_images: r"'dense' of the model has kinds=\['dense'\], .*set kind",
    sources_of_kinds_and_labels_without: (
        'names no kind .* are lost; set kind of LoadWeakAnnotations'
    ),
    nobody_takes_scribbles: "labels of the kind 'scribble', .* are lost",
    ratio_of_points: "no image of the training set has the kind 'point'",
    ratio_without_dense: "without 'dense', whose images would never be drawn",
    ratio_of_unknown_kinds: 'images without a kind; set kind of LoadWeakAnn',
    no_labels: "All training data sets have kind='none'",
}


@pytest.fixture
def make_mixed(make_config: MakeConfig) -> MakeConfig:
    return lambda: mix(make_config(), ratio=RATIO)


@pytest.mark.parametrize(
    ('spoil', 'found'),
    NO_EFFECT.items(),
    ids=[spoil.__name__ for spoil in NO_EFFECT],
)
def test_check_config_rejects_kinds_without_effect(
    make_mixed: MakeConfig, spoil: Callable[[Config], None], found: str
) -> None:
    cfg = make_mixed()
    spoil(cfg)
    with pytest.raises(ValueError, match=found):
        check_config(cfg)


def test_check_config_passes_a_mix(make_mixed: MakeConfig) -> None:
    check_config(make_mixed())


def test_check_config_passes_a_ratio_of_images_without_files(
    make_config: MakeConfig,
) -> None:
    cfg = mix(make_config(), ['dense', 'scribble'], ratio=RATIO)
    with pytest.raises(ValueError, match="has the kind 'none'"):
        check_config(cfg)
    loader_of(parts_of(cfg)[1]).unlabelled = 'allow'
    check_config(cfg)


def test_check_config_passes_images_without_files_that_teach(
    make_mixed: MakeConfig,
) -> None:
    cfg = make_mixed()
    nothing_without_files(cfg)
    cfg.model.teacher = 'online'
    check_config(cfg)


def test_check_config_reads_the_weights_of_all_sources_of_a_field(
    make_config: MakeConfig,
) -> None:
    cfg = mix(make_config(), ['dense', 'scribble'])
    cfg.model.teacher = None
    cfg.default_hooks.pseudo_labels.enabled = False
    cfg.model.sources = [dict(s, loss_weight=0) for s in BY_KIND]
    with pytest.raises(ValueError, match='Every loss of the model has the'):
        check_config(cfg)
    cfg.model.sources[0].loss_weight = 0.5
    check_config(cfg)
