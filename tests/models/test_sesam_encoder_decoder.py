"""Losses, label maps and heads of the segmentor."""

from __future__ import annotations

import copy

import pytest
import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from .steps import (
    BatchOf,
    MakeConfig,
    auxiliary,
    build,
    losses_of,
    maps_of,
    train_step,
)


class TestOpenLoss:
    def test_loss_of_a_further_source_in_its_order(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        sources = [
            dict(type='LabelSource', name='dense', field='dense_sem_seg'),
            dict(type='LabelSource', name='weak', field='gt_sem_seg'),
        ]
        model = build(make_config(teacher=None, sources=sources))
        data = batch_of((32, 32), (20, 32))
        for sample in data['data_samples']:
            sample.set_data(dict(dense_sem_seg=sample.pseudo_sem_seg))
            sample.gt_sem_seg.data = sample.pseudo_sem_seg.data.clone()

        log = train_step(model, data)

        assert log['decode.loss_dense'] > 0
        assert log['share_weak'] == log['decode.loss_weak'] == 0
        assert 'decode.loss_pseudo' not in log

    def test_loss_trains_the_weights_of_a_regularizer(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        class Scale(nn.Module):
            name = 'scale'

            def __init__(self) -> None:
                super().__init__()
                self.factor = nn.Parameter(torch.ones(()))

            def forward(self, logits, images, maps) -> Tensor:
                assert logits.shape[2:] == images.shape[2:]
                assert maps.inside.shape == maps.labels['weak'].shape
                return self.factor * logits.square().mean()

        model = build(make_config(regularizers=[dict(type=Scale)]))
        log = train_step(model, batch_of((32, 32), (32, 32)))

        assert log['decode.loss_scale'] > 0
        assert model.regularizers[0].factor < 1
        own = {n for n in model.state_dict() if 'factor' in n}
        assert own == {'regularizers.0.factor'}


@pytest.mark.skipif(
    torch.__version__ < (2, 1), reason='torch before 2.1 has no nll_loss there'
)
class TestStep:
    """Tensors on the 'meta' device have no values to wait for."""

    @staticmethod
    def step(cfg: dict, batch: dict) -> None:
        model = build(cfg).to('meta')
        # The padding happens before the step, on the CPU.
        data = build(cfg).data_preprocessor(batch, True)
        inputs = data['inputs'].to('meta')
        samples = [sample.to('meta') for sample in data['data_samples']]
        losses = model.loss(inputs, samples)
        sum(v for k, v in losses.items() if 'loss' in k).backward()

    @pytest.mark.parametrize('teacher', ['online', 'round', None])
    @pytest.mark.parametrize('only_weak_classes', [True, False])
    def test_loss_waits_for_no_value(
        self,
        make_config: MakeConfig,
        batch_of: BatchOf,
        teacher: str | None,
        only_weak_classes: bool,
    ) -> None:
        cfg = make_config(teacher=teacher, only_weak_classes=only_weak_classes)
        loss = dict(type='CrossEntropyLoss', class_weight=[1.0, 2, 3, 4])
        cfg['decode_head']['loss_decode'] = loss
        batch = batch_of((32, 32), (20, 32))
        for sample in batch['data_samples']:
            sample.set_metainfo(dict(weak_classes=[0, 1]))

        self.step(cfg, batch)

    def test_loss_that_waits_for_a_value_is_noticed(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        cfg = make_config()
        cfg['decode_head']['loss_decode'] = [
            dict(type='CrossEntropyLoss'),
            dict(type='LovaszLoss', reduction='none'),
        ]
        with pytest.raises(RuntimeError, match='(?i)meta'):
            self.step(cfg, batch_of((32, 32), (32, 32)))


class TestLabelMaps:
    def test_label_maps_predict_nothing_on_padding(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(confident_threshold=0))
        maps = maps_of(model, batch_of((32, 20), (12, 32)))
        confident = maps.labels['confident'] != 255

        assert not confident[0, :, 20:].any()
        assert not confident[1, 12:].any()
        assert confident[0, 21:, :20].all()
        assert confident[1, 8:12].all()

    def test_label_maps_apply_the_thresholds(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(confident_threshold=0.4, agreement=0.3))
        batch = batch_of((32, 32), (32, 32))
        given = copy.deepcopy(batch)['data_samples']
        maps = maps_of(model, batch)

        images = (torch.stack(batch['inputs']) - 120.0) / 60
        logits = resize(
            model.teacher.logits(images), size=(32, 32), mode='bilinear'
        )
        probability = logits.softmax(dim=1)
        for index, sample in enumerate(given):
            weak = sample.gt_sem_seg.data[0]
            pseudo = sample.pseudo_sem_seg.data[0]
            own = probability[index]
            given = own.gather(0, pseudo.clamp_max(3).long()[None])[0]
            preferred = own.amax(dim=0)
            agreed = (pseudo != 255) & (given >= 0.3 * preferred)
            sure = (own.amax(dim=0) >= 0.4) & (weak == 255) & ~agreed
            assert torch.equal(maps.labels['weak'][index], weak)
            assert torch.equal(maps.labels['pseudo'][index] != 255, agreed)
            assert torch.equal(maps.labels['confident'][index] != 255, sure)
            best = own.argmax(dim=0).to(torch.uint8)
            assert torch.equal(
                maps.labels['confident'][index][sure], best[sure]
            )

    def test_label_maps_with_only_weak_classes(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(
            make_config(confident_threshold=0, only_weak_classes=True)
        )
        batch = batch_of((32, 32), (32, 32), maps=1)
        one, other = batch['data_samples']
        one.set_metainfo(dict(weak_classes=[1, 3]))
        # Nothing is drawn on this one: it may show anything.
        other.set_metainfo(dict(weak_classes=[]))
        free = build(make_config(confident_threshold=0))
        free.load_state_dict(model.state_dict())
        expected = maps_of(free, copy.deepcopy(batch))

        maps = maps_of(model, batch)

        named = set(maps.labels['confident'][0].unique().tolist()) - {255}
        assert named and named <= {1, 3}
        assert torch.equal(
            maps.labels['confident'][1], expected.labels['confident'][1]
        )
        assert not torch.equal(
            maps.labels['confident'][0], expected.labels['confident'][0]
        )

    def test_label_maps_reject_samples_without_weak_classes(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(only_weak_classes=True))
        with pytest.raises(ValueError, match='no weak_classes'):
            train_step(model, batch_of((32, 32), (32, 32)))

    def test_confident_and_agreeing_labels_at_thresholds(
        self, make_config: MakeConfig
    ) -> None:
        model = build(make_config(confident_threshold=0.75, agreement=0.25))
        # A sure pixel, one at both thresholds, and an unsure one.
        probability = torch.tensor(
            [[0.9, 0.75, 0.5], [0.1, 0.1875, 0.2], [0.0, 0.0625, 0.3]]
        )
        probability = torch.cat([probability, torch.zeros(1, 3)])
        pseudo = torch.tensor([1, 1, 2], dtype=torch.uint8)

        probability = probability.view(1, 4, 1, 3)
        confident = model.confident_labels(probability)
        agreed = model.agreeing_labels(pseudo.view(1, 1, 3), probability)

        assert confident.flatten().tolist() == [0, 0, 255]
        assert agreed.flatten().tolist() == [255, 1, 2]
        assert confident.dtype == agreed.dtype == torch.uint8

    def test_confident_labels_of_undefined_probabilities(
        self, make_config: MakeConfig
    ) -> None:
        model = build(make_config(confident_threshold=0.0, agreement=0.0))
        pseudo = torch.ones((1, 2, 2), dtype=torch.uint8)
        undefined = torch.full((1, 4, 2, 2), torch.nan)

        confident = model.confident_labels(undefined)
        agreed = model.agreeing_labels(pseudo, undefined)

        assert (confident == 255).all() and (agreed == 255).all()

    def test_agreeing_labels_adds_none(self, make_config: MakeConfig) -> None:
        model = build(make_config(agreement=0))
        pseudo = torch.full((1, 2, 2), 255, dtype=torch.uint8)
        probability = torch.full((1, 4, 2, 2), 0.25)
        agreed = model.agreeing_labels(pseudo, probability)

        assert (agreed == 255).all()


class TestHeads:
    @pytest.mark.parametrize(
        'heads, names',
        [
            (auxiliary(2), ['aux']),
            ([auxiliary(1)], ['aux_0']),
            ([auxiliary(1), auxiliary(2)], ['aux_0', 'aux_1']),
        ],
        ids=['one', 'list of one', 'list'],
    )
    def test_loss_of_auxiliary_heads(
        self,
        make_config: MakeConfig,
        batch_of: BatchOf,
        heads: dict | list,
        names: list[str],
    ) -> None:
        model = build(make_config(auxiliary_head=heads))
        data = batch_of((32, 32), (32, 32))
        data['data_samples'][0].set_metainfo(dict(pseudo_label_round=2))
        data['data_samples'][1].set_metainfo(dict(pseudo_label_round=3))

        log = train_step(model, data)

        assert [name for name, _ in model.heads()] == ['decode', *names]
        terms = [
            f'{name}.{term}'
            for name in ('decode', *names)
            for term in ('loss_weak', 'loss_pseudo', 'loss_confident')
        ]
        torch.testing.assert_close(
            log['loss'], sum(log[term] for term in terms)
        )
        assert all(log[f'{name}.loss_weak'] > 0 for name in names)
        assert not any(
            'auxiliary' in name for name, _ in model.teacher.named_parameters()
        )
        assert log['round'] == 2.5

    def test_regularizers_get_decode_head_and_file_colours(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        def paid(std: float) -> Tensor:
            torch.manual_seed(0)
            cfg = make_config(
                regularizers=[dict(type='GatedCRFLoss')],
                auxiliary_head=auxiliary(2),
            )
            cfg['data_preprocessor'].std = [std] * 3
            # Batch normalisation: the scale of the input changes nothing.
            losses = losses_of(build(cfg), batch_of((32, 32), (32, 32)))
            assert 'aux.loss_crf' not in losses
            return losses['decode.loss_crf']

        assert paid(60.0) > 0
        # Colours count as in the image file, however they are normalised.
        torch.testing.assert_close(paid(1.0), paid(60.0), rtol=1e-3, atol=0)

    def test_encoder_decoder_without_regularizers(
        self, make_config: MakeConfig
    ) -> None:
        assert not build(make_config(regularizers=None)).regularizers

    def test_encoder_decoder_rejects_a_cascade(
        self, make_config: MakeConfig
    ) -> None:
        head = make_config()['decode_head']
        with pytest.raises(ValueError, match='one decode_head; .* cascade'):
            build(make_config(decode_head=[head, head]))


@pytest.mark.parametrize(
    'options, found',
    [
        (dict(teacher='offline'), "teacher='offline', expected one of"),
        (
            dict(confident_threshold=1.1),
            'confident_threshold=1.1, expected a finite number',
        ),
        (
            dict(confident_threshold=-0.1),
            'confident_threshold=-0.1, expected a finite number',
        ),
        (
            dict(regularizers=[dict(type='GatedCRFLoss', loss_weight=-1)]),
            'GatedCRFLoss got loss_weight=-1, expected a finite number',
        ),
        (
            dict(regularizers=dict(type='GatedCRFLoss')),
            'got regularizers=.*, expected a list of configs',
        ),
        (
            dict(regularizers=2 * [dict(type='GatedCRFLoss')]),
            "several losses named 'crf'",
        ),
        (
            dict(sources=[dict(type='LabelSource', name='a', field='a')]),
            "LabelSource got field='a', expected a name that ends with",
        ),
        (
            dict(
                sources=[dict(type='LabelSource', name='a', field='a_sem_seg')]
            ),
            "got no source with field='gt_sem_seg', expected one",
        ),
        (
            dict(
                sources=[
                    dict(type='LabelSource', name=name, field=field)
                    for name, field in (
                        ('weak', 'gt_sem_seg'),
                        ('a', 'pseudo_sem_seg'),
                        ('b', 'pseudo_sem_seg'),
                    )
                ]
            ),
            "sources .* field='pseudo_sem_seg', and the first",
        ),
        (dict(agreement=2), 'agreement=2, expected'),
        (dict(ema_momentum=1), 'ema_momentum=1, expected'),
    ],
)
def test_encoder_decoder_rejects_impossible_options(
    make_config: MakeConfig, options: dict, found: str
) -> None:
    with pytest.raises(ValueError, match=found):
        build(make_config(**options))
