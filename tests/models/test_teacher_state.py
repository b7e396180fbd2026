"""The teacher over steps and checkpoints."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint, save_checkpoint
from torch import Tensor, nn

from mmseg_sesam.models import SeSAMEncoderDecoder

from .steps import (
    BatchOf,
    MakeConfig,
    auxiliary,
    build,
    losses_of,
    maps_of,
    parameters,
    train_step,
)

SOURCES = [
    dict(type='LabelSource', name=name, field=f'{field}_sem_seg')
    for name, field in (
        ('weak', 'gt'),
        ('pseudo', 'pseudo'),
        ('confident', 'confident'),
    )
]
OFF = dict(SOURCES[2], loss_weight=0)


def watch_images(model: SeSAMEncoderDecoder) -> dict[str, Tensor]:
    """Returns a dict that gets the images of student and teacher."""
    seen = {}
    for name, part in (('student', model), ('teacher', model.teacher)):
        part.backbone.register_forward_pre_hook(
            lambda _, args, name=name: seen.update({name: args[0]})
        )
    return seen


class TestTeachers:
    def test_loss_with_an_online_teacher(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(confident_threshold=0, agreement=0))
        data = batch_of((32, 32), (32, 32), maps=2)

        log = train_step(model, data)

        assert log['share_weak'] == pytest.approx(10 / 32)
        assert log['share_pseudo'] == pytest.approx(11 / 32)
        assert log['share_confident'] == pytest.approx(11 / 32)
        assert log['decode.loss_confident'] > 0
        assert log['round'] == -1

    def test_loss_with_a_round_teacher(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(teacher='round', confident_threshold=0))
        data = batch_of((32, 32), (32, 32))
        before = parameters(model.teacher)
        calls = []
        model.teacher.backbone.register_forward_hook(
            lambda *_: calls.append(1)
        )
        stored = data['data_samples'][0].confident_sem_seg.data[0].clone()
        maps = maps_of(model, copy.deepcopy(data))
        log = train_step(model, data)

        assert torch.equal(maps.labels['confident'][0], stored)
        assert log['share_confident'] == pytest.approx(11 / 32)
        assert not calls
        moved = parameters(model.teacher)
        name = 'decode_head.conv_seg.weight'
        assert not torch.equal(moved[name], before[name])

    @pytest.mark.parametrize(
        'options, maps',
        [
            (dict(sources=SOURCES[:2], agreement=0), 2),
            # A baseline loads no pseudo-labels.
            (dict(sources=SOURCES[:2]), 1),
            (dict(sources=[*SOURCES[:2], OFF], agreement=0), 2),
        ],
        ids=['no source', 'no pseudo-labels', 'no weight'],
    )
    def test_loss_predicts_nothing_that_no_term_uses(
        self,
        make_config: MakeConfig,
        batch_of: BatchOf,
        options: dict,
        maps: int,
    ) -> None:
        torch.manual_seed(0)
        model = build(make_config(**options))
        seen = watch_images(model)
        torch.manual_seed(0)
        alone = build(make_config(**options, teacher=None))

        for seed in range(3):
            data = batch_of((32, 32), (20, 32), maps=maps, seed=seed)
            log = train_step(model, copy.deepcopy(data))
            assert log == train_step(alone, data)

        assert log['loss'] > 0
        assert {*seen} == {'student'}
        # The teacher has followed, since refreshes predict with it.
        name = 'decode_head.conv_seg.weight'
        teacher, student = parameters(model.teacher), parameters(model)
        assert not torch.equal(teacher[name], student[name])

    @pytest.mark.parametrize(
        'options',
        [
            dict(sources=SOURCES[:2]),
            dict(sources=[SOURCES[0], SOURCES[2]]),
            dict(sources=[SOURCES[0], OFF, SOURCES[1]], agreement=0),
            dict(
                sources=[SOURCES[0], OFF],
                regularizers=[dict(type='GatedCRFLoss')],
            ),
        ],
        ids=['agreement', 'weight', 'later source', 'regularizer'],
    )
    def test_loss_predicts_what_a_term_uses(
        self, make_config: MakeConfig, batch_of: BatchOf, options: dict
    ) -> None:
        model = build(make_config(**options))
        seen = watch_images(model)

        losses_of(model, batch_of((32, 32), (32, 32), maps=2))

        assert {*seen} == {'student', 'teacher'}

    def test_loss_with_a_round_teacher_needs_stored_predictions(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(teacher='round'))
        with pytest.raises(ValueError, match='no confident_sem_seg, wh'):
            train_step(model, batch_of((32, 32), (32, 32), maps=2))

    def test_loss_without_a_teacher(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(teacher=None))
        log = train_step(model, batch_of((32, 32), (32, 32)))

        assert log['share_pseudo'] == pytest.approx(11 / 32)
        assert log['share_confident'] == 0
        assert log['decode.loss_confident'] == 0
        assert not any('teacher' in name for name in model.state_dict())

    def test_loss_of_weak_labels_alone(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(teacher=None))
        log = train_step(model, batch_of((32, 32), (32, 32), maps=1))

        assert log['share_pseudo'] == 0 and log['decode.loss_weak'] > 0
        assert log['loss'] == log['decode.loss_weak']

    def test_loss_gives_student_and_teacher_their_views(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config())
        seen = watch_images(model)
        data = batch_of((32, 32), (32, 32), views=True)
        views = {k: torch.stack(v) for k, v in data['inputs'].items()}

        losses_of(model, data)

        for name, images in views.items():
            torch.testing.assert_close(seen[name], (images - 120.0) / 60)

    def test_loss_with_one_view_for_student_and_teacher(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(confident_threshold=0))
        seen = watch_images(model)
        data = batch_of((32, 32), (32, 32), maps=1)
        images = torch.stack(data['inputs'])

        log = train_step(model, data)

        for name in ('student', 'teacher'):
            torch.testing.assert_close(seen[name], (images - 120.0) / 60)
        assert log['share_confident'] == pytest.approx(22 / 32)

    def test_iteration_is_counted_and_saved(
        self, make_config: MakeConfig, batch_of: BatchOf, tmp_path: Path
    ) -> None:
        cfg = make_config(ema_momentum=0.5)
        model = build(cfg)
        data = batch_of((32, 32), (32, 32))
        for _ in range(4):
            train_step(model, copy.deepcopy(data))
        path = str(tmp_path / 'iter_4.pth')
        save_checkpoint(dict(state_dict=model.state_dict()), path)

        resumed = build(cfg)
        load_checkpoint(resumed, path, map_location='cpu', strict=True)

        assert resumed.iteration == model.iteration == 4
        log = train_step(model, copy.deepcopy(data))
        again = train_step(resumed, copy.deepcopy(data))
        assert log.keys() == again.keys()
        assert all(torch.equal(log[name], again[name]) for name in log)
        for one, other in zip(model.parameters(), resumed.parameters()):
            assert torch.equal(one, other)

    def test_loss_ramps_follow_the_iteration(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        sources = [
            dict(type='LabelSource', name=name, field=field, ramp=10)
            for name, field in (
                ('weak', 'gt_sem_seg'),
                ('pseudo', 'pseudo_sem_seg'),
            )
        ]
        model = build(make_config(teacher=None, sources=sources))
        data = batch_of((32, 32), (32, 32))
        model.load_state_dict(
            dict(model.state_dict(), _extra_state=torch.tensor(10))
        )
        full = losses_of(model, copy.deepcopy(data))['decode.loss_pseudo']
        assert model.iteration == 11
        model.iteration = 0
        first = losses_of(model, data)['decode.loss_pseudo']

        ratio = (first / full).item()
        assert ratio == pytest.approx(torch.tensor(-5.0).exp().item(), 1e-3)


class TestCheckpoints:
    @pytest.fixture
    def plain(self, make_config: MakeConfig) -> nn.Module:
        """The stock segmentor of the same parts."""
        cfg = make_config(type='EncoderDecoder', auxiliary_head=auxiliary(2))
        cfg['data_preprocessor']['type'] = 'SegDataPreProcessor'
        return build(cfg)

    @pytest.fixture
    def trained(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> SeSAMEncoderDecoder:
        model = build(make_config(auxiliary_head=auxiliary(2)))
        for seed in range(3):
            train_step(model, batch_of((32, 32), (32, 32), seed=seed))
        return model.eval()

    def predict(self, model: nn.Module, data: dict) -> Tensor:
        (sample,) = model.test_step(copy.deepcopy(data))
        return sample.seg_logits.data

    def test_load_checkpoint_of_a_student_into_a_plain_model(
        self,
        trained: SeSAMEncoderDecoder,
        plain: nn.Module,
        batch_of: BatchOf,
        tmp_path: Path,
    ) -> None:
        path = str(tmp_path / 'iter_3.pth')
        save_checkpoint(dict(state_dict=trained.state_dict()), path)
        data = batch_of((40, 56))
        before = self.predict(plain.eval(), data)

        load_checkpoint(plain, path, map_location='cpu')

        after = self.predict(plain, data)
        assert not torch.equal(after, before)
        assert torch.equal(after, self.predict(trained, data))

    def test_load_checkpoint_of_a_plain_model(
        self,
        trained: SeSAMEncoderDecoder,
        plain: nn.Module,
        batch_of: BatchOf,
        tmp_path: Path,
    ) -> None:
        path = str(tmp_path / 'plain.pth')
        save_checkpoint(dict(state_dict=plain.state_dict()), path)

        load_checkpoint(trained, path, map_location='cpu')

        data = batch_of((40, 56))
        assert torch.equal(
            self.predict(trained, data), self.predict(plain.eval(), data)
        )

    @pytest.mark.parametrize(
        ('stored', 'now'),
        [
            (dict(teacher=None), dict(teacher='online')),
            (dict(decode_head__num_classes=7), {}),
        ],
        ids=['no teacher', 'other classes'],
    )
    def test_load_checkpoint_without_a_teacher_copies_the_student(
        self,
        make_config: MakeConfig,
        batch_of: BatchOf,
        tmp_path: Path,
        stored: dict,
        now: dict,
    ) -> None:
        def changed(options: dict) -> dict:
            cfg = make_config()
            for name, value in options.items():
                part, _, key = name.rpartition('__')
                (cfg[part] if part else cfg)[key] = value
            return cfg

        before = build(changed(stored))
        before.iteration = 5000
        path = str(tmp_path / 'before.pth')
        save_checkpoint(dict(state_dict=before.state_dict()), path)

        model = build(changed(now))
        load_checkpoint(model, path, map_location='cpu')
        losses_of(model, batch_of((32, 32), (32, 32)))

        student = parameters(model)
        for name, parameter in parameters(model.teacher).items():
            assert torch.equal(parameter, student[name])

    def test_init_weights_starts_the_student_and_not_the_teacher(
        self, make_config: MakeConfig, plain: nn.Module, tmp_path: Path
    ) -> None:
        path = str(tmp_path / 'backbone.pth')
        torch.save(plain.backbone.state_dict(), path)
        cfg = make_config()
        cfg['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint=path)
        model = build(cfg)
        before = parameters(model.teacher)

        model.init_weights()

        expected = parameters(plain.backbone)
        for name, parameter in parameters(model.backbone).items():
            assert torch.equal(parameter, expected[name])
        for name, parameter in parameters(model.teacher).items():
            assert torch.equal(parameter, before[name])

    @pytest.mark.parametrize('teacher', ['online', None])
    def test_predict_probability_of_an_image(
        self, make_config: MakeConfig, batch_of: BatchOf, teacher: str | None
    ) -> None:
        model = build(make_config(teacher=teacher)).eval()
        data = model.data_preprocessor(batch_of((40, 56)), False)
        segmentor = model.teacher if teacher else model

        probability = model.predict_probability(**data)

        assert probability.shape == (4, 40, 56)
        torch.testing.assert_close(probability.sum(dim=0), torch.ones(40, 56))
        (sample,) = segmentor.predict(**data)
        assert torch.equal(
            probability.argmax(dim=0), sample.pred_sem_seg.data[0]
        )

    def test_predict_probability_with_only_weak_classes(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(only_weak_classes=True)).eval()
        data = model.data_preprocessor(batch_of((40, 56)), False)
        data['data_samples'][0].set_metainfo(dict(weak_classes=[0, 2]))

        probability = model.predict_probability(**data)

        assert (probability[[1, 3]] == 0).all()
        torch.testing.assert_close(probability.sum(dim=0), torch.ones(40, 56))
