"""Names of hooks and options that do not exist."""

from __future__ import annotations

import pytest
from dataset_configs import LOAD, dataset
from mmengine.config import Config

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.models import SeSAMEncoderDecoder

from .changes import MakeConfig

HOOK = 'default_hooks__pseudo_labels'


@pytest.mark.parametrize(
    ('option', 'said'),
    [
        (
            'default_hooks__pseudo_label__enabled',
            'default_hooks.pseudo_label has no type, expected the class of a '
            'hook; write pseudo_labels, or set the type.',
        ),
        (
            'default_hooks__shares__table',
            'default_hooks.shares has no type, .*; set the type.',
        ),
        (
            f'{HOOK}__beginn',
            "SAMPseudoLabelHook has no option 'beginn'; write begin, or take",
        ),
        (
            f'{HOOK}__generator__min_aera',
            "PseudoLabelGenerator has no option 'min_aera'; write min_area,",
        ),
        (
            f'{HOOK}__generator__segmenter__device',
            "SuperpixelSegmenter has no option 'device'; take it out.",
        ),
        (
            'model__techer',
            "SeSAMEncoderDecoder has no option 'techer'; write teacher, or",
        ),
        # An option of the base class.
        (
            'model__test_cgf',
            "SeSAMEncoderDecoder has no option 'test_cgf'; write test_cfg,",
        ),
        (
            'train_dataloader__dataset__pipeline__1__num_clases',
            "LoadWeakAnnotations has no option 'num_clases'; write num_class",
        ),
        (
            'train_dataloader__sampler__shufle',
            "LabelKindSampler has no option 'shufle'; write shuffle, or take",
        ),
        (
            'val_evaluator__0__widht',
            "BoundaryIoU has no option 'widht'; write width, or take it out",
        ),
        (
            'test_dataloader__dataset__pipeline__1__num_clases',
            "LoadWeakAnnotations has no option 'num_clases'; write num_class",
        ),
        # Labels are always read by Pillow.
        (
            'train_dataloader__dataset__pipeline__1__imdecode_backend',
            "LoadWeakAnnotations has no option 'imdecode_backend'; take it",
        ),
    ],
)
def test_check_names_rejects_names_that_do_not_exist(
    make_config: MakeConfig, option: str, said: str
) -> None:
    cfg = make_config()
    cfg.train_dataloader.sampler = dict(
        type='LabelKindSampler', ratio=dict(scribble=1)
    )
    cfg.val_evaluator = [dict(type='BoundaryIoU')]
    cfg.test_dataloader = dict(dataset=dataset(*LOAD))
    cfg.merge_from_dict({option.replace('__', '.'): None})
    with pytest.raises(ValueError, match=f'tiny.py: {said}'):
        check_config(cfg)


def hidden_option(cfg: Config) -> None:
    class Derived(SeSAMEncoderDecoder):
        def __init__(self, **kwargs) -> None:
            self.hidden = kwargs.pop('hidden')
            super().__init__(**kwargs)

    cfg.model.update(type=Derived, hidden=1)


def options_of_base_class(cfg: Config) -> None:
    cfg.model.test_cfg = dict(mode='whole')


def options_of_mmengine(cfg: Config) -> None:
    cfg.default_hooks.pseudo_labels.update(priority=95, _scope_='mmseg')


def removed_hook(cfg: Config) -> None:
    cfg.default_hooks.visualization = None


@pytest.mark.parametrize(
    'change',
    [hidden_option, options_of_base_class, options_of_mmengine, removed_hook],
)
def test_check_names_accepts_names_that_exist(
    make_config: MakeConfig, change
) -> None:
    cfg = make_config()
    change(cfg)
    check_config(cfg)
