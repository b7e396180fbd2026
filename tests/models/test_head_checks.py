"""Losses whose options would not be heeded are refused by name."""

from __future__ import annotations

from typing import Callable

import pytest
from mmseg.models.decode_heads import FCNHead
from mmseg.models.losses import CrossEntropyLoss
from mmseg.registry import MODELS
from torch import Tensor, nn

MakeConfig = Callable[..., dict]

ENTROPY = dict(type='CrossEntropyLoss')
OHEM = dict(type='OHEMPixelSampler', thresh=0.7, min_kept=8)


@MODELS.register_module()
class SmoothedLoss(CrossEntropyLoss):
    """A loss of a user, derived from the stock one."""

    def forward(self, cls_score: Tensor, label: Tensor, **kwargs) -> Tensor:
        return 7 + cls_score.sum() * 0


def build(make_config: MakeConfig, losses: object, **options) -> nn.Module:
    cfg = make_config()
    cfg['decode_head'].update(loss_decode=losses, **options)
    return MODELS.build(cfg)


@pytest.mark.parametrize(
    ('losses', 'found'),
    [
        (
            dict(ENTROPY, class_weight=[1.0, 2.0]),
            'CrossEntropyLoss with 2 values in class_weight, .*num_classes=4',
        ),
        (
            dict(ENTROPY, class_weight=[1.0] * 5),
            'with 5 values in class_weight, expected num_classes=4',
        ),
        (
            [ENTROPY, dict(type='TverskyLoss', class_weight=[1.0] * 3)],
            'TverskyLoss with 3 values in class_weight',
        ),
        (
            dict(type='LovaszLoss', reduction='none', class_weight=[1.0] * 5),
            'LovaszLoss with 5 values in class_weight',
        ),
        (
            dict(type='FocalLoss', alpha=[0.5] * 3),
            'FocalLoss with 3 values in alpha',
        ),
        (
            dict(type='FocalLoss'),
            "FocalLoss with reduction='mean', whose .* use CrossEntropyLoss",
        ),
        (dict(ENTROPY, reduction='sum'), "reduction='sum', .* averages over"),
        (dict(ENTROPY, reduction='none'), "reduction='none', .* averages"),
        (dict(ENTROPY, loss_name='watched'), "loss_name='watched', and mmseg"),
        (
            dict(type='TverskyLoss', ignore_index=200),
            'TverskyLoss with ignore_index=200, expected 255',
        ),
        (
            [dict(ENTROPY, loss_weight=0.0), dict(type='DiceLoss')],
            'loss_weight=0 in the loss that pseudo-labels .* others .* 1.0',
        ),
        (dict(ENTROPY, use_sigmoid=True), 'set out_channels to num_classes'),
        (
            [
                dict(type='TverskyLoss'),
                dict(ENTROPY, use_sigmoid=True, loss_name='loss_binary'),
            ],
            'CrossEntropyLoss for binary labels; .* use_sigmoid=False',
        ),
        (
            [dict(type='DiceLoss'), dict(type='HuasdorffDisstanceLoss')],
            'HuasdorffDisstanceLoss, which .* outlines that weak labels',
        ),
        (dict(type='OhemCrossEntropy'), 'OhemCrossEntropy, which does not'),
        (dict(type='BoundaryLoss'), 'BoundaryLoss, which does not take'),
        (dict(type='SiLogLoss'), 'SiLogLoss, which does not take'),
    ],
)
def test_check_head_rejects_options_without_effect(
    make_config: MakeConfig, losses: object, found: str
) -> None:
    with pytest.raises(ValueError, match=found) as error:
        build(make_config, losses)
    assert str(error.value).startswith('The decode head FCNHead ')


def test_check_head_rejects_another_value_of_unlabelled_pixels(
    make_config: MakeConfig,
) -> None:
    with pytest.raises(ValueError, match='has ignore_index=0, expected 255'):
        build(make_config, ENTROPY, ignore_index=0)


def test_check_head_rejects_a_single_class(make_config: MakeConfig) -> None:
    with pytest.raises(ValueError, match='has num_classes=1, .* add a class'):
        build(make_config, ENTROPY, num_classes=1)


def test_check_head_of_auxiliary_heads(make_config: MakeConfig) -> None:
    cfg = make_config()
    cfg['auxiliary_head'] = dict(
        cfg['decode_head'], loss_decode=dict(ENTROPY, class_weight=[1.0] * 3)
    )
    with pytest.raises(ValueError, match='aux head FCNHead .* class_weight'):
        MODELS.build(cfg)


def test_check_head_rejects_a_sampler_with_a_loss_of_regions(
    make_config: MakeConfig,
) -> None:
    losses = [ENTROPY, dict(type='DiceLoss')]
    with pytest.raises(ValueError, match='a sampler, and DiceLoss cannot'):
        build(make_config, losses, sampler=OHEM)
    build(make_config, losses)
    build(make_config, ENTROPY, sampler=OHEM)


def test_check_head_rejects_a_sampler_that_no_loss_heeds(
    make_config: MakeConfig,
) -> None:
    lovasz = dict(type='LovaszLoss', reduction='none')
    tversky = dict(type='TverskyLoss')
    for alone in (lovasz, tversky, [lovasz, tversky]):
        with pytest.raises(ValueError, match='a sampler, and LovaszLoss and'):
            build(make_config, alone, sampler=OHEM)
    build(make_config, [ENTROPY, lovasz, tversky], sampler=OHEM)


WEAK = dict(type='LabelSource', name='weak', field='gt_sem_seg')
DENSE = dict(WEAK, name='dense', kinds=['dense'])


@MODELS.register_module()
class LossOfNoLabel(nn.Module):
    """A regularizer named by its config."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


@pytest.mark.parametrize(
    ('place', 'options', 'name'),
    [
        ('decode', dict(regularizers=['dice']), 'dice'),
        ('decode', dict(sources=[WEAK, 'dice']), 'dice'),
        ('aux', dict(sources=[WEAK, 'dice']), 'dice'),
        ('decode', dict(sources=[DENSE, WEAK, 'dice_dense']), 'dice_dense'),
    ],
)
def test_check_loss_names_rejects_the_name_of_an_own_loss(
    make_config: MakeConfig, place: str, options: dict, name: str
) -> None:
    def build_with(name: str, **head: object) -> nn.Module:
        source = dict(WEAK, name=name, field='pseudo_sem_seg')
        cfg = make_config(
            sources=[
                source if isinstance(s, str) else s
                for s in options.get('sources', [WEAK])
            ],
            regularizers=[
                dict(type='LossOfNoLabel', name=name)
                for _ in options.get('regularizers', [])
            ],
        )
        losses = [ENTROPY, dict(type='DiceLoss', **head)]
        decode = cfg['decode_head']
        cfg['auxiliary_head'] = dict(decode)
        changed = 'decode_head' if place == 'decode' else 'auxiliary_head'
        cfg[changed]['loss_decode'] = losses
        return MODELS.build(cfg)

    with pytest.raises(ValueError, match=f"'{name}', .* {place} head .*too;"):
        build_with(name)
    build_with('other')
    build_with(name, loss_name='loss_of_regions')


def test_check_head_accepts_losses_that_take_effect(
    make_config: MakeConfig,
) -> None:
    weights = [1.0] * 4
    losses = [
        dict(ENTROPY, class_weight=weights, loss_name='loss_weighted'),
        dict(type='TverskyLoss', class_weight=weights),
        dict(type='DiceLoss', loss_weight=0.0),
    ]
    build(make_config, losses)


@pytest.mark.parametrize('weight', [0.5, 3.0])
def test_check_head_accepts_a_derived_cross_entropy(
    make_config: MakeConfig, batch_of: Callable[..., dict], weight: float
) -> None:
    loss = dict(type='SmoothedLoss', loss_name='loss_own', loss_weight=weight)
    model = build(make_config, loss)
    data = model.data_preprocessor(batch_of((32, 32), (32, 32)), True)
    losses = model.train()(**data, mode='loss')
    assert losses['decode.loss_own'] == 7
    assert losses['decode.loss_weak'] == 0


@pytest.mark.parametrize(
    'head, options',
    [
        ('PointHead', dict(coarse_pred_each_layer=False)),
        ('EncHead', dict(num_codes=4)),
        ('STDCHead', dict(boundary_threshold=0.1)),
        ('OwnLoss', dict()),
    ],
)
@pytest.mark.parametrize('place', ['decode_head', 'auxiliary_head'])
def test_check_head_rejects_heads_with_a_loss_of_their_own(
    make_config: MakeConfig, place: str, head: str, options: dict
) -> None:
    class OwnLoss(FCNHead):
        """Takes the loss from elsewhere, as Mask2Former's head does."""

        def loss(self, inputs, batch_data_samples, train_cfg):
            raise NotImplementedError

    cfg = make_config()
    part = dict(cfg['decode_head'], type=head, **options)
    if head in ('PointHead', 'EncHead'):
        part.update(in_channels=[32], in_index=[3])
    if head != 'OwnLoss':
        part.pop('num_convs', None)
        part.pop('concat_input', None)
    else:
        part['type'] = OwnLoss
    with pytest.raises(ValueError) as error:
        MODELS.build(dict(cfg, **{place: part}))
    for word in (head, 'loss of BaseDecodeHead', 'leave this head out'):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ('head', 'backbone'), [('DDRHead', 'DDRNet'), ('PIDHead', 'PIDNet')]
)
def test_check_head_names_backbones_that_other_heads_do_not_take(
    make_config: MakeConfig, head: str, backbone: str
) -> None:
    cfg = make_config()
    cfg['decode_head']['type'] = head
    for option in ('num_convs', 'concat_input'):
        del cfg['decode_head'][option]
    with pytest.raises(ValueError, match=f'too: {backbone} returns no list'):
        MODELS.build(cfg)


def test_check_head_rejects_a_head_of_one_channel(
    make_config: MakeConfig,
) -> None:
    with pytest.raises(ValueError, match='FCNHead .* use_sigmoid=False'):
        build(make_config, ENTROPY, num_classes=2, out_channels=1)
