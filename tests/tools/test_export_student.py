"""Export of a SeSAM checkpoint to plain mmseg."""

from __future__ import annotations

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
from mmseg_sesam.models import SeSAMDataPreProcessor, SeSAMEncoderDecoder
from mmseg_sesam.models.export import export as export_model
from mmseg_sesam.models.export import plain_config

pytestmark = pytest.mark.skipif(
    not loads_safely(), reason='needs torch 2.6 or later'
)
CLASSES = ('a', 'b', 'c')


@pytest.fixture
def trained(make_config: Callable[..., Config], tmp_path: Path) -> Path:
    """A SeSAM config and a checkpoint whose teacher predicts another class."""
    cfg = make_config()
    test = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadRGBView', channels=(2, 1, 0), value_range=(0, 255)),
        dict(type='LoadWeakAnnotations', num_classes=3),
        dict(type='PackSeSAMInputs'),
    ]
    cfg.test_pipeline = test
    cfg.model.auxiliary_head = dict(cfg.model.decode_head, in_index=2)
    cfg.model.auxiliary_head.in_channels = 32
    cfg.model.regularizers = [dict(type='GatedCRFLoss')]
    cfg.model.data_preprocessor.channels_last = True
    # The exported config must not ask for this file.
    cfg.model.backbone.pretrained = 'weights/nowhere.pth'
    hook = dict(type='SeSAMVisualizationHook')
    cfg.default_hooks.training_pictures = hook
    cfg.default_hooks.checkpoint.type = 'AtomicCheckpointHook'
    cfg.default_hooks.step_seed = dict(type='mmseg.StepSeedHook')
    cfg.test_evaluator = [
        dict(type='IoUMetric'),
        dict(type='WeakPixelAccuracy'),
    ]
    # A module of the user may define a backbone.
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
def export(run_here, trained: Path) -> Callable:
    def call(*words: object, checkpoint: str = 'sesam.pth'):
        return run_here(
            *('export_student.py', trained / 'sesam.py'),
            *(trained / checkpoint, trained / 'plain.pth', *words),
        )

    return call


@pytest.mark.parametrize('words, answer', [([], 1), (['--teacher'], 2)])
def test_export_student_result_predicts_in_mmseg(
    export, trained: Path, words: list[str], answer: int
) -> None:
    done = export('--half', *words)

    assert done.returncode == 0, done.stdout
    text = (trained / 'plain.py').read_text()
    for gone in ('SeSAM', 'mmseg_sesam', 'StepSeed', 'Quality', 'nowhere'):
        assert gone not in text
    assert 'needs mmseg_sesam' not in done.stdout
    assert 'deprecated' not in done.stdout
    config = Config.fromfile(trained / 'plain.py')
    assert config.test_pipeline == [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
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


def test_export_student_of_a_wrapped_model(export, trained: Path) -> None:
    path = trained / 'sesam.pth'
    checkpoint = torch.load(path, weights_only=True)
    state = checkpoint['state_dict']
    checkpoint['state_dict'] = {f'module.{n}': v for n, v in state.items()}
    torch.save(checkpoint, path)

    done = export('--teacher')

    assert done.returncode == 0, done.stdout
    plain = torch.load(trained / 'plain.pth', weights_only=True)['state_dict']
    taught = 'decode_head.conv_seg.bias'
    assert plain[taught].equal(state[f'teacher.{taught}'])
    assert not any(n.startswith(('module.', 'teacher.')) for n in plain)


def test_export_student_keeps_weights(export, trained: Path) -> None:
    assert export().returncode == 0

    was = torch.load(trained / 'sesam.pth', weights_only=True)['state_dict']
    now = torch.load(trained / 'plain.pth', weights_only=True)['state_dict']
    for name, value in now.items():
        assert torch.equal(value, was[name])
    for name in was:
        own = name.startswith('teacher.') or name == '_extra_state'
        assert own or name in now


def test_export_student_names_what_needs_the_package(
    export, trained: Path
) -> None:
    cfg = Config.fromfile(trained / 'sesam.py')
    dataset = dict(
        type='MappedSegDataset',
        file_classes=['c', 'b', 'a'],
        metainfo=dict(classes=CLASSES),
        pipeline=cfg.test_pipeline,
    )
    cfg.test_dataloader = dict(dataset=dict(type='X', datasets=[dataset]))
    view = cfg.test_pipeline[1]
    flips = [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)]
    cfg.tta_pipeline = [view, dict(type='TestTimeAug', transforms=[flips])]
    cfg.dump(trained / 'sesam.py')

    done = export()

    assert 'plain.py needs mmseg_sesam for MappedSegDataset;' in done.stdout
    plain = Config.fromfile(trained / 'plain.py')
    assert plain.custom_imports.imports == ['mmseg_sesam', 'colorsys']
    (kept,) = plain.test_dataloader.dataset.datasets
    assert kept == dict(dataset, pipeline=plain.test_pipeline)
    assert plain.tta_pipeline == cfg.tta_pipeline[1:]


def test_export_student_replaces_derived_classes(
    make_config: Callable[..., Config],
) -> None:
    @MODELS.register_module(force=True)
    class WithOwnLoss(SeSAMEncoderDecoder):
        pass

    @MODELS.register_module(force=True)
    class WithOwnPadding(SeSAMDataPreProcessor):
        pass

    cfg = make_config()
    kept = dict(cfg.model.data_preprocessor, type='SegDataPreProcessor')
    cfg.model.update(type='WithOwnLoss', own_option=1)
    cfg.model.data_preprocessor.update(type='WithOwnPadding', own_option=1)

    model = plain_config(cfg).model

    assert model.type == 'EncoderDecoder' and 'own_option' not in model
    assert model.decode_head == cfg.model.decode_head
    assert model.data_preprocessor == kept


@pytest.mark.parametrize('kept', [{}, dict(type='MyEvaluator', option=1)])
def test_export_student_keeps_the_evaluator_of_metrics(
    make_config: Callable[..., Config], kept: dict
) -> None:
    cfg = make_config()
    metrics = [dict(type='IoUMetric'), dict(type='WeakPixelAccuracy')]
    cfg.test_evaluator = dict(kept, metrics=metrics)

    evaluator = plain_config(cfg).test_evaluator

    assert evaluator == dict(kept, metrics=metrics[:1])


def test_export_leaves_out_modules_that_a_derived_class_adds(
    trained: Path,
) -> None:
    @MODELS.register_module(force=True)
    class WithProjection(SeSAMEncoderDecoder):
        pass

    cfg = Config.fromfile(trained / 'sesam.py')
    checkpoint = torch.load(trained / 'sesam.pth', weights_only=True)
    checkpoint['state_dict']['projection.weight'] = torch.zeros(2, 2)
    torch.save(checkpoint, trained / 'derived.pth')
    source, out = str(trained / 'derived.pth'), trained / 'plain.pth'

    # The stock class of the package has no such module: another config's.
    with pytest.raises(ValueError, match='projection.weight'):
        export_model(cfg, source, out, teacher=False, half=False)
    cfg.model.type = 'WithProjection'
    _, added = export_model(cfg, source, out, teacher=False, half=False)

    assert added == ['projection']
    names = torch.load(out, weights_only=True)['state_dict']
    assert not [name for name in names if name.startswith('projection')]


def test_export_student_refuses_other_files(export, trained: Path) -> None:
    state = {'backbone.x': torch.zeros(1)}
    torch.save(dict(state_dict=state), trained / 'other.pth')
    (trained / 'text.pth').write_text('no checkpoint')

    for checkpoint, words, text in (
        ('other.pth', [], 'does not fit'),
        ('other.pth', ['--teacher'], 'holds no teacher'),
        ('text.pth', [], 'no checkpoint that can be loaded'),
    ):
        done = export(*words, checkpoint=checkpoint)
        assert done.returncode == 1 and text in done.stdout
    assert not list(trained.glob('plain.*'))
    (trained / 'plain.py').write_text('mine')
    done = export()
    assert done.returncode == 2
    assert 'plain.py is there already' in done.stdout
    assert (trained / 'plain.py').read_text() == 'mine'
