"""Changes that make a config wrong, and the check that it is refused."""

from __future__ import annotations

from typing import Callable

import pytest
from mixed import mix
from mmengine.config import Config, ConfigDict
from mmseg.models import EncoderDecoder, SegDataPreProcessor
from pipelines import place_of

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.structures import SOURCES

MakeConfig = Callable[..., Config]
Spoil = Callable[[Config], None]


def assert_refused(make_config: MakeConfig, spoil: Spoil, found: str) -> None:
    """Asserts that a change makes a config wrong, with the file's name."""
    cfg = make_config()
    spoil(cfg)
    with pytest.raises(ValueError, match=f'tiny.py: .*{found}'):
        check_config(cfg)


def steps(cfg: Config) -> list:
    return cfg.train_dataloader.dataset.pipeline


def find(cfg: Config, name: str) -> ConfigDict:
    return steps(cfg)[place_of(steps(cfg), name)]


def add(step: dict, before: str = 'RandomCrop') -> Spoil:
    """Inserts a transform before another one."""
    return lambda cfg: steps(cfg).insert(place_of(steps(cfg), before), step)


def head(cfg: Config) -> ConfigDict:
    return cfg.model.decode_head


def set_weights(cfg: Config, **weights: float) -> None:
    cfg.model.sources = [
        dict(
            type='LabelSource',
            name=source.name,
            field=source.field,
            loss_weight=weights.get(source.name, source.loss_weight),
        )
        for source in SOURCES
    ]


def drop_source(cfg: Config) -> None:
    steps(cfg).remove(find(cfg, 'LoadPseudoLabel'))


def weak_only(cfg: Config) -> None:
    drop_source(cfg)
    del cfg.default_hooks['pseudo_labels']


def validate(cfg: Config) -> None:
    cfg.val_dataloader = dict(dataset=dict(cfg.train_dataloader.dataset))


def replace_hooks(cfg: Config) -> None:
    del cfg.default_hooks['pseudo_labels']


def stock_pack(cfg: Config) -> None:
    find(cfg, 'PackSeSAMInputs').type = 'PackSegInputs'


def stock_pack_of_weak_labels(cfg: Config) -> None:
    weak_only(cfg)
    stock_pack(cfg)


def stock_model(cfg: Config) -> None:
    cfg.model.pop('teacher')
    cfg.model.type = 'EncoderDecoder'


def stock_model_offline(cfg: Config) -> None:
    stock_model(cfg)
    cfg.default_hooks.pseudo_labels.max_rounds = 0


def stock_model_by_class(cfg: Config) -> None:
    stock_model(cfg)
    cfg.model.type = EncoderDecoder


def stock_model_of_views(cfg: Config) -> None:
    weak_only(cfg)
    stock_model(cfg)


def stock_preprocessor(cfg: Config) -> None:
    cfg.model.data_preprocessor.type = 'mmseg.SegDataPreProcessor'


def stock_preprocessor_by_class(cfg: Config) -> None:
    cfg.model.data_preprocessor.type = SegDataPreProcessor


def two_hooks(cfg: Config) -> None:
    cfg.custom_hooks = [cfg.default_hooks.pseudo_labels]


def second_hook_disabled(cfg: Config) -> None:
    cfg.custom_hooks = [dict(cfg.default_hooks.pseudo_labels, enabled=False)]


def no_beginning(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.begin = 0


def rounds_in_words(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.max_rounds = 'two'


def round_without_source(cfg: Config) -> None:
    weak_only(cfg)
    cfg.model.teacher = 'round'


def round_never_refreshed(cfg: Config) -> None:
    cfg.model.teacher = 'round'
    cfg.default_hooks.pseudo_labels.max_rounds = 0


def round_unweighed(cfg: Config) -> None:
    cfg.model.teacher = 'round'
    set_weights(cfg, confident=0)


def teacher_of_nothing(cfg: Config) -> None:
    weak_only(cfg)
    set_weights(cfg, confident=0)


def teacher_of_no_agreement(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.max_rounds = 0
    cfg.model.agreement = 0.0
    set_weights(cfg, confident=0)


def weak_classes_of_nobody(cfg: Config) -> None:
    weak_only(cfg)
    cfg.model.update(teacher=None, only_weak_classes=True)


def weak_classes_of_dense_labels(cfg: Config) -> None:
    cfg.model.only_weak_classes = True
    weak_only(cfg)
    place = place_of(steps(cfg), 'LoadWeakAnnotations')
    steps(cfg)[place] = dict(type='LoadAnnotations')


def mosaic(cfg: Config) -> None:
    dataset = cfg.train_dataloader.dataset
    place = place_of(steps(cfg), 'RandomCrop')
    loading, augmenting = steps(cfg)[:place], steps(cfg)[place:]
    cfg.train_dataloader.dataset = dict(
        type='MultiImageMixDataset',
        dataset=dict(dataset, pipeline=loading),
        pipeline=[dict(type='RandomMosaic', prob=1.0), *augmenting],
    )


def labels_elsewhere(cfg: Config) -> None:
    loader = find(cfg, 'LoadWeakAnnotations')
    loader.backend_args = dict(backend='petrel')


def images_elsewhere(cfg: Config) -> None:
    loader = find(cfg, 'LoadImageFromFile')
    loader.backend_args = dict(backend='petrel')


def images_in_a_bucket(cfg: Config) -> None:
    cfg.train_dataloader.dataset.data_prefix.img_path = 's3://bucket/images'


def data_in_a_bucket(cfg: Config) -> None:
    cfg.train_dataloader.dataset.data_root = 's3://bucket/data'


def misspelt_teacher(cfg: Config) -> None:
    cfg.model.teacher = 'onlin'


def sources_by_name(cfg: Config) -> None:
    cfg.model.sources = dict(weak=dict(type='LabelSource'))


def sources_without_type(cfg: Config) -> None:
    cfg.model.sources = [dict(name='weak', field='gt_sem_seg')]


def one_regularizer(cfg: Config) -> None:
    cfg.model.regularizers = dict(type='GatedCRFLoss')


def change_source(**options) -> Spoil:
    """Changes options of the first source."""

    def change(cfg: Config) -> None:
        set_weights(cfg)
        cfg.model.sources[0].update(options)

    change.__name__ = f'source_of_{options}'
    return change


def source_without_field(cfg: Config) -> None:
    set_weights(cfg)
    del cfg.model.sources[0]['field']


def view_before_a_flip(cfg: Config) -> None:
    pipeline = steps(cfg)
    pipeline.insert(-1, dict(type='RandomFlip', prob=0.5))
    cfg.default_hooks.pseudo_labels.enabled = False


def view_before_a_flip_of_weak_labels(cfg: Config) -> None:
    view_before_a_flip(cfg)
    weak_only(cfg)


def rotation_that_changes_ids(cfg: Config) -> None:
    weak_only(cfg)
    add(dict(type='mmseg.RandomRotFlip'))(cfg)


def view_of_one_data_set(cfg: Config) -> None:
    mix(cfg)
    part = cfg.train_dataloader.dataset.datasets[1]
    del part.pipeline[place_of(part.pipeline, 'KeepTeacherView')]


def colours_of_one_data_set(cfg: Config) -> None:
    mix(cfg)
    cfg.model.regularizers = [dict(type='GatedCRFLoss', loss_weight=0.1)]
    part = cfg.train_dataloader.dataset.datasets[2]
    part.pipeline.insert(1, dict(type='LoadRGBView'))


def no_loss(cfg: Config) -> None:
    set_weights(cfg, weak=0, pseudo=0, confident=0)


def no_source_of_pseudo_labels(cfg: Config) -> None:
    set_weights(cfg)
    sources = cfg.model.sources
    cfg.model.sources = [s for s in sources if s['name'] != 'pseudo']


def source_in_validation(cfg: Config) -> None:
    validate(cfg)


def view_in_validation(cfg: Config) -> None:
    weak_only(cfg)
    validate(cfg)
