"""Exporting a SeSAM checkpoint to plain mmseg."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS

from mmseg_sesam.compat import loads_safely

pytestmark = pytest.mark.skipif(
    not loads_safely(), reason='needs torch 2.6 or later'
)
CLASSES = ('a', 'b', 'c')


@pytest.fixture
def trained(make_config: Callable[..., Config], tmp_path: Path) -> Path:
    """A SeSAM config and a checkpoint whose teacher answers differently."""
    cfg = make_config()
    test = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    cfg.test_pipeline = test
    cfg.model.auxiliary_head = dict(cfg.model.decode_head, in_index=2)
    cfg.model.auxiliary_head.in_channels = 32
    cfg.model.mixed_loss = dict(type='MixedLoss', confident_ramp=5)
    # What the exported config must not ask for.
    cfg.model.backbone.pretrained = 'weights/nowhere.pth'
    hook = dict(type='SeSAMVisualizationHook')
    cfg.default_hooks.training_pictures = hook
    cfg.default_hooks.checkpoint.type = 'AtomicCheckpointHook'
    cfg.default_hooks.step_seed = dict(type='mmseg.StepSeedHook')
    cfg.test_evaluator = [
        dict(type='IoUMetric'),
        dict(type='PseudoLabelQuality', pseudo_label_dir='p', data_root='d'),
    ]
    # It may define a backbone of the user's.
    cfg.custom_imports = dict(imports=['mmseg_sesam', 'colorsys'])
    cfg.dump(tmp_path / 'sesam.py')
    torch.manual_seed(0)
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        for answer, head in (
            (1, model.decode_head),
            (2, model.teacher.decode_head),
        ):
            head.conv_seg.weight.zero_()
            head.conv_seg.bias.copy_(torch.eye(3)[answer])
    meta = dict(dataset_meta=dict(classes=CLASSES, palette=[[0] * 3] * 3))
    checkpoint = dict(
        meta=meta, state_dict=model.state_dict(), optimizer={}, sesam_round=2
    )
    torch.save(checkpoint, tmp_path / 'sesam.pth')
    return tmp_path


@pytest.fixture
def export(run, trained: Path, project_root: Path) -> Callable:
    def call(*words: object, checkpoint: str = 'sesam.pth'):
        return run(
            *(sys.executable, project_root / 'tools/export_student.py'),
            *(trained / 'sesam.py', trained / checkpoint),
            *(trained / 'plain.pth', *words),
        )

    return call


@pytest.mark.parametrize('words, answer', [([], 1), (['--teacher'], 2)])
def test_mmseg_predicts_with_the_result(
    export, trained: Path, words: list[str], answer: int
) -> None:
    done = export('--half', *words)

    assert done.returncode == 0, done.stdout
    text = (trained / 'plain.py').read_text()
    for gone in ('SeSAM', 'mmseg_sesam', 'StepSeed', 'Quality', 'nowhere'):
        assert gone not in text
    config = Config.fromfile(trained / 'plain.py')
    assert config.custom_imports.imports == ['colorsys']
    assert config.default_hooks.checkpoint.type == 'CheckpointHook'
    assert config.default_hooks.checkpoint.interval == 3
    assert config.test_evaluator == [dict(type='IoUMetric')]
    plain = torch.load(trained / 'plain.pth', weights_only=True)
    names = {name.split('.')[0] for name in plain['state_dict']}
    assert names == {'backbone', 'decode_head', 'auxiliary_head'}
    dtypes = {v.dtype for v in plain['state_dict'].values()}
    assert dtypes == {torch.half, torch.long}
    model = init_model(
        str(trained / 'plain.py'), str(trained / 'plain.pth'), device='cpu'
    )
    assert type(model).__name__ == 'EncoderDecoder'
    assert model.dataset_meta['classes'] == CLASSES
    image = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    label = inference_model(model, image).pred_sem_seg.data
    assert (label == answer).all()


def test_weights_are_the_students(export, trained: Path) -> None:
    assert export().returncode == 0

    was = torch.load(trained / 'sesam.pth', weights_only=True)['state_dict']
    now = torch.load(trained / 'plain.pth', weights_only=True)['state_dict']
    for name, value in now.items():
        assert torch.equal(value, was[name])
    for name in was:
        own = name.startswith('teacher.') or name == '_extra_state'
        assert own or name in now


def test_refusals(
    trained: Path,
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    tool = str(project_root / 'tools/export_student.py')

    def refuse(checkpoint: str, *words: str) -> str:
        paths = (trained / 'sesam.py', trained / checkpoint)
        out = trained / 'plain.pth'
        monkeypatch.setattr('sys.argv', [tool, *map(str, paths), str(out)])
        sys.argv.extend(words)
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(tool, run_name='__main__')
        return f'{stop.value} {capsys.readouterr().err}'

    state = {'backbone.x': torch.zeros(1)}
    torch.save(dict(state_dict=state), trained / 'other.pth')
    (trained / 'text.pth').write_text('no checkpoint')

    assert 'does not fit' in refuse('other.pth')
    assert 'holds no teacher' in refuse('other.pth', '--teacher')
    assert 'no checkpoint that can be loaded safely' in refuse('text.pth')
    assert not list(trained.glob('plain.*'))
    (trained / 'plain.py').write_text('mine')
    assert 'plain.py is there already' in refuse('sesam.pth')
    assert (trained / 'plain.py').read_text() == 'mine'
