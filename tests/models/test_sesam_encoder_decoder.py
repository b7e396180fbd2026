"""Training stock segmentors from weak labels."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import load_checkpoint, save_checkpoint
from mmseg.models.decode_heads import FCNHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_sesam.models import SeSAMEncoderDecoder

MakeConfig = Callable[..., dict]
BatchOf = Callable[..., dict]


def build(cfg: dict) -> SeSAMEncoderDecoder:
    return MODELS.build(copy.deepcopy(cfg))


def train_step(model: SeSAMEncoderDecoder, data: dict) -> dict[str, Tensor]:
    """One step of the optimizer, as a Runner does it."""
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, lr=0.1)
    model.train()
    return model.train_step(data, OptimWrapper(optimizer))


def parameters(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def losses_of(model: SeSAMEncoderDecoder, data: dict) -> dict[str, Tensor]:
    model.train()
    return model(**model.data_preprocessor(data, True), mode='loss')


def maps_of(model: SeSAMEncoderDecoder, data: dict) -> tuple:
    data = model.data_preprocessor(data, True)
    model.eval()
    return model.label_maps(data['inputs'], data['data_samples'])


class TestNetworks:
    """One step of training with networks of mmseg's model zoo."""

    BASE = {
        'DeepLabV3-R50': 'configs/_base_/models/deeplabv3_r50.py',
        'DeepLabV3+-R50': 'configs/_base_/models/deeplabv3plus_r50.py',
        'SegFormer-B0': 'configs/_base_/models/segformer_b0.py',
        'PSPNet-R18': 'mmseg::_base_/models/pspnet_r50-d8.py',
        'UPerNet-Swin-T': 'mmseg::_base_/models/upernet_swin.py',
        'FCN-HRNet-W18': 'mmseg::_base_/models/fcn_hr18.py',
        'FCN-MobileNetV2': 'mmseg::_base_/models/fcn_r50-d8.py',
        'BiSeNetV2': 'mmseg::_base_/models/bisenetv2.py',
        'FCN-timm': 'mmseg::_base_/models/fcn_r50-d8.py',
    }
    CHANGES = {
        'PSPNet-R18': dict(
            backbone=dict(depth=18),
            decode_head=dict(in_channels=512, channels=128),
            auxiliary_head=dict(in_channels=256, channels=64),
        ),
        'FCN-MobileNetV2': dict(
            backbone=dict(
                _delete_=True,
                type='MobileNetV2',
                out_indices=(1, 2, 4, 6),
                norm_cfg=dict(type='SyncBN', requires_grad=True),
            ),
            decode_head=dict(in_channels=320, channels=64),
            auxiliary_head=dict(in_channels=96, channels=32),
        ),
        'FCN-timm': dict(
            backbone=dict(
                _delete_=True,
                type='TIMMBackbone',
                model_name='mobilenetv3_small_050',
                features_only=True,
                pretrained=False,
            ),
            decode_head=dict(in_channels=288, in_index=4, channels=64),
            auxiliary_head=dict(in_channels=24, in_index=3, channels=32),
        ),
    }

    @pytest.fixture(params=BASE)
    def cfg(
        self,
        request: pytest.FixtureRequest,
        project_root: Path,
        tmp_path: Path,
    ) -> Config:
        if request.param == 'FCN-timm':
            pytest.importorskip('timm')
        base = self.BASE[request.param]
        if not base.startswith('mmseg::'):
            base = str(project_root / base)
        change = dict(
            type='SeSAMEncoderDecoder',
            pretrained=None,
            data_preprocessor=dict(
                type='SeSAMDataPreProcessor', size=(64, 64)
            ),
            **self.CHANGES.get(request.param, {}),
        )
        path = tmp_path / 'config.py'
        path.write_text(f'_base_ = {base!r}\nmodel = {change!r}\n')
        return Config.fromfile(path).model

    def test_trains(self, cfg: Config, batch_of: BatchOf) -> None:
        model = build(cfg)
        student = parameters(model.decode_head)
        teacher = parameters(model.teacher.decode_head)
        data = batch_of((64, 64), (48, 64), views=True)

        loss, log = model.parse_losses(losses_of(model, data))
        loss.backward()
        learned = [p for p in model.parameters() if p.requires_grad]
        torch.optim.SGD(learned, lr=0.1).step()

        heads = [name for name, _ in model.heads()]
        terms = {
            f'{head}.{term}'
            for head in heads
            for term in ('loss_weak', 'loss_pseudo', 'loss_confident')
        }
        assert terms == {name for name in log if '.loss' in name}
        assert all(value.isfinite() for value in log.values())
        torch.testing.assert_close(
            log['loss'], sum(log[name] for name in terms)
        )
        assert all(log[f'{head}.loss_weak'] > 0 for head in heads)
        for name, parameter in model.named_parameters():
            if name.startswith('teacher.'):
                assert parameter.grad is None
            else:
                assert parameter.grad.isfinite().all(), name
        # The teacher has copied the student as it was before the step.
        for name, after in parameters(model.teacher.decode_head).items():
            assert torch.equal(after, student[name])
        name = 'conv_seg.weight'
        assert not torch.equal(student[name], teacher[name])
        assert not torch.equal(
            model.decode_head.conv_seg.weight, student[name]
        )


class TestTeachers:
    def test_online(self, make_config: MakeConfig, batch_of: BatchOf) -> None:
        model = build(make_config(confident_threshold=0, agreement=0))
        data = batch_of((32, 32), (32, 32), maps=2)

        log = train_step(model, data)

        assert log['share_weak'] == pytest.approx(10 / 32)
        assert log['share_pseudo'] == pytest.approx(11 / 32)
        assert log['share_confident'] == pytest.approx(11 / 32)
        assert log['decode.loss_confident'] > 0
        assert log['round'] == -1

    def test_round(self, make_config: MakeConfig, batch_of: BatchOf) -> None:
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

    def test_round_without_stored_predictions(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(teacher='round'))
        with pytest.raises(ValueError, match='no confident_sem_seg; .*=True'):
            train_step(model, batch_of((32, 32), (32, 32), maps=2))

    def test_none(self, make_config: MakeConfig, batch_of: BatchOf) -> None:
        model = build(make_config(teacher=None))
        log = train_step(model, batch_of((32, 32), (32, 32)))

        assert log['share_pseudo'] == pytest.approx(11 / 32)
        assert log['share_confident'] == 0
        assert log['decode.loss_confident'] == 0
        assert not any('teacher' in name for name in model.state_dict())

    def test_weak_labels_alone_will_do(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(teacher=None))
        log = train_step(model, batch_of((32, 32), (32, 32), maps=1))

        assert log['share_pseudo'] == 0 and log['decode.loss_weak'] > 0
        assert log['loss'] == log['decode.loss_weak']

    def test_each_has_its_view(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config())
        seen = {}
        for name, part in (('student', model), ('teacher', model.teacher)):
            part.backbone.register_forward_pre_hook(
                lambda _, args, name=name: seen.update({name: args[0]})
            )
        data = batch_of((32, 32), (32, 32), views=True)
        views = {k: torch.stack(v) for k, v in data['inputs'].items()}

        losses_of(model, data)

        for name, images in views.items():
            torch.testing.assert_close(seen[name], (images - 120.0) / 60)

    def test_one_view_serves_both(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        # An average without memory, so that the student is its own teacher.
        model = build(make_config(ema_momentum=0, confident_threshold=0))
        maps = maps_of(model, batch_of((32, 32), maps=1))

        assert (maps.labels['confident'] != 255).sum() == 22 * 32

    def test_steps_are_counted_and_saved(
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

    def test_ramps_follow_the_steps(
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


class TestOpenLoss:
    def test_a_further_source_and_its_order(
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

    def test_a_regularizers_weights_are_trained_and_not_the_students(
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
    def test_waits_for_no_value(
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

    def test_a_loss_that_does_is_noticed(
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
    def test_nothing_is_predicted_on_padding(
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

    def test_only_weak_classes_limits_the_teacher(
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

    def test_classes_that_no_pipeline_noted(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(only_weak_classes=True))
        with pytest.raises(ValueError, match='no weak_classes'):
            train_step(model, batch_of((32, 32), (32, 32)))

    def test_thresholds(self, make_config: MakeConfig) -> None:
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

    def test_undefined_probabilities_label_nothing(
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

    @pytest.mark.parametrize('teacher', ['online', None])
    def test_another_ignore_index(
        self, make_config: MakeConfig, batch_of: BatchOf, teacher: str | None
    ) -> None:
        cfg = make_config(teacher=teacher)
        cfg['decode_head']['ignore_index'] = 7
        cfg['data_preprocessor']['seg_pad_val'] = 7
        batch = batch_of((32, 32), (16, 32), maps=1)
        for sample in batch['data_samples']:
            label = sample.gt_sem_seg.data
            label[label == 255] = 7

        log = train_step(build(cfg), batch)

        assert log['share_weak'] == pytest.approx((10 + 5) / 64)
        assert log['share_pseudo'] == 0
        assert torch.isfinite(log['loss'])


def auxiliary(index: int, weight: float = 0.4) -> dict:
    return dict(
        type='FCNHead',
        in_channels=4 * 2**index,
        channels=4,
        in_index=index,
        num_convs=1,
        concat_input=False,
        num_classes=4,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=weight),
    )


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
    def test_auxiliary_heads(
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

    def test_regularizers_see_decode_head_and_file_colours(
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

    def test_a_cascade_is_refused(self, make_config: MakeConfig) -> None:
        head = make_config()['decode_head']
        with pytest.raises(ValueError, match='one decode_head; .* cascade'):
            build(make_config(decode_head=[head, head]))

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
    def test_heads_with_a_loss_of_their_own(
        self, make_config: MakeConfig, place: str, head: str, options: dict
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
            build(dict(cfg, **{place: part}))
        for word in (head, 'loss of BaseDecodeHead', 'leave this head out'):
            assert word in str(error.value)

    @pytest.mark.parametrize(
        'change',
        [
            dict(loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True)),
            dict(
                loss_decode=[
                    dict(type='TverskyLoss'),
                    dict(
                        type='CrossEntropyLoss',
                        use_sigmoid=True,
                        loss_name='loss_binary',
                    ),
                ]
            ),
            dict(num_classes=2, out_channels=1, threshold=0.5),
        ],
        ids=['sigmoid', 'second loss', 'one channel'],
    )
    def test_binary_heads(self, make_config: MakeConfig, change: dict) -> None:
        cfg = make_config()
        cfg['decode_head'].update(change)
        with pytest.raises(
            ValueError, match='decode head FCNHead .* use_sigmoid=False'
        ):
            build(cfg)

    def test_a_loss_of_outlines(self, make_config: MakeConfig) -> None:
        cfg = make_config()
        loss = dict(type='HuasdorffDisstanceLoss')
        cfg['decode_head']['loss_decode'] = [dict(type='DiceLoss'), loss]
        with pytest.raises(ValueError, match='outlines that weak labels'):
            build(cfg)


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
            "0 sources with field='gt_sem_seg', expected one",
        ),
        (dict(agreement=2), 'agreement=2, expected'),
        (dict(ema_momentum=1), 'ema_momentum=1, expected'),
    ],
)
def test_impossible_options(
    make_config: MakeConfig, options: dict, found: str
) -> None:
    with pytest.raises(ValueError, match=found):
        build(make_config(**options))


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

    def test_a_student_is_a_plain_segmentor(
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

    def test_training_may_start_from_a_plain_segmentor(
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
    def test_a_teacher_that_no_checkpoint_holds_begins_with_the_student(
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

    def test_initialising_starts_student_and_not_teacher(
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
    def test_probabilities_of_an_image(
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

    def test_probabilities_of_classes_that_are_drawn(
        self, make_config: MakeConfig, batch_of: BatchOf
    ) -> None:
        model = build(make_config(only_weak_classes=True)).eval()
        data = model.data_preprocessor(batch_of((40, 56)), False)
        data['data_samples'][0].set_metainfo(dict(weak_classes=[0, 2]))

        probability = model.predict_probability(**data)

        assert (probability[[1, 3]] == 0).all()
        torch.testing.assert_close(probability.sum(dim=0), torch.ones(40, 56))
