"""One step of training with networks of mmseg's model zoo."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from .steps import (
    BatchOf,
    build,
    losses_of,
    parameters,
)


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

    # As DeepLabV3, and costly.
    PARAMS = [
        pytest.param(name, marks=pytest.mark.slow) if '+' in name else name
        for name in BASE
    ]

    @pytest.fixture(params=PARAMS)
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

    def test_loss_trains_networks_of_the_model_zoo(
        self, cfg: Config, batch_of: BatchOf
    ) -> None:
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
