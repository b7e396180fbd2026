"""Tests of a checkpoint from the command line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image


@pytest.fixture
def checkpoint(tiny_config: Path) -> Path:
    """Weights of the tiny model that predict 1 everywhere."""
    cfg = Config.fromfile(tiny_config)
    init_default_scope('mmseg')
    cfg.model.backbone.norm_cfg.type = 'BN'
    cfg.model.decode_head.norm_cfg.type = 'BN'
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        model.decode_head.conv_seg.weight.zero_()
        model.decode_head.conv_seg.bias.copy_(torch.tensor([0.0, 1.0]))
    path = tiny_config.parent / 'ones.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    return path


def accuracy(log: str) -> float:
    return float(re.search(r'aAcc: ([\d.]+)', log)[1])


def assert_is_right(predictions: Path, log: str) -> None:
    """Half of the labels are 1, which the checkpoint predicts."""
    assert accuracy(log) == 50
    assert sorted(p.name for p in predictions.iterdir()) == [
        f'{index}.png' for index in range(4)
    ]
    assert (np.asarray(Image.open(predictions / '0.png')) == 1).all()


def test_test_two_processes_write_predictions(
    run_ranks, tiny_config: Path, checkpoint: Path, project_root: Path
):
    with tiny_config.open('a') as file:
        metrics = "[test_evaluator, dict(type='BoundaryIoU')]"
        file.write(f'\ntest_evaluator = {metrics}\n')
    out = tiny_config.parent / 'predictions'
    done = run_ranks(
        *(project_root / 'tools/test.py', tiny_config, checkpoint),
        *('--out', out, '--work-dir', tiny_config.parent / 'run'),
        *('--launcher', 'pytorch'),
    )
    assert done.returncode == 0, done.stdout
    assert 'mBoundaryIoU: ' in done.stdout
    assert_is_right(out, done.stdout)


def test_test_writes_predictions_of_an_evaluator_with_metrics(
    run_here, tiny_config: Path, checkpoint: Path
):
    with tiny_config.open('a') as file:
        file.write('\ntest_evaluator = dict(metrics=[test_evaluator])\n')
    out = tiny_config.parent / 'predictions'
    command = ['test.py', tiny_config, checkpoint, '--out', out]
    done = run_here(*command, '--work-dir', tiny_config.parent / 'run')
    assert done.returncode == 0, done.stdout
    assert_is_right(out, done.stdout)


def test_test_refuses_a_hook_with_one_sentence(
    run_here, tiny_config: Path, checkpoint: Path
):
    hook = 'default_hooks.training_pictures'
    done = run_here(
        *('test.py', tiny_config, checkpoint, '--cfg-options'),
        *(f'{hook}.type=SeSAMVisualizationHook', f'{hook}.interval=0'),
        *('--work-dir', tiny_config.parent / 'run'),
    )
    assert done.returncode == 2
    assert 'got interval=0' in done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_dist_test_starts_two_processes(
    run,
    tiny_config: Path,
    checkpoint: Path,
    project_root: Path,
    free_port: str,
    at_exit: dict[str, str],
):
    out = tiny_config.parent / 'predictions'
    done = run(
        *(project_root / 'tools/dist_test.sh', tiny_config, checkpoint, 2),
        *('--out', out, '--work-dir', tiny_config.parent / 'run'),
        PYTHON=sys.executable,
        PORT=free_port,
        **at_exit,
    )
    assert done.returncode == 0, done.stdout
    assert 'still connected' not in done.stdout
    assert_is_right(out, done.stdout)


def test_test_without_weights_of_the_segmenter(
    run_here, tiny_config: Path, checkpoint: Path
):
    hook = dict(
        type='SAMPseudoLabelHook',
        generator=dict(
            type='PseudoLabelGenerator',
            segmenter=dict(type='SAMSegmenter', checkpoint='gone.pth'),
        ),
    )
    with tiny_config.open('a') as file:
        file.write(f'\ncustom_hooks = [{hook}]\n')
    work_dir = tiny_config.parent / 'run'
    done = run_here('test.py', tiny_config, checkpoint, '--work-dir', work_dir)
    assert done.returncode == 0, done.stdout
    assert accuracy(done.stdout) == 50


def test_test_leaves_the_config_of_a_training(
    run_here, tiny_config: Path, checkpoint: Path
):
    work_dir = tiny_config.parent / 'run'
    work_dir.mkdir()
    trained = work_dir / tiny_config.name
    trained.write_text(tiny_config.read_text())
    done = run_here('test.py', trained, checkpoint, '--work-dir', work_dir)
    assert done.returncode == 0, done.stdout
    assert trained.read_text() == tiny_config.read_text()
    (record,) = work_dir.glob('*/vis_data/config.py')
    assert Config.fromfile(record).load_from == str(checkpoint)


@pytest.mark.parametrize('added', ['', 'del default_hooks, visualizer'])
def test_test_augments_and_paints(
    run_here,
    tiny_config: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    added: str,
):
    load, loaded = torch.load, []

    def note(file: object, *args: object, **kwargs: object) -> object:
        loaded.append(str(file))
        return load(file, *args, **kwargs)

    monkeypatch.setattr(torch, 'load', note)
    with tiny_config.open('a') as file:
        file.write(f'\n{added}\n')
    painted = tiny_config.parent / 'painted'
    command = ['test.py', tiny_config, checkpoint, '--tta']
    command += ['--work-dir', tiny_config.parent / 'run']
    done = run_here(*command, '--show-dir', painted)
    assert done.returncode == 0, done.stdout
    assert accuracy(done.stdout) == 50
    assert len(list(painted.rglob('test_*.png'))) == 4
    assert loaded == [str(checkpoint)]


def test_test_predictions_need_a_metric_that_writes(
    refusal, tiny_config: Path, checkpoint: Path
):
    with tiny_config.open('a') as file:
        file.write("\ntest_evaluator = dict(type='DepthMetric')\n")
    out = tiny_config.parent / 'out'
    said = refusal('test.py', tiny_config, checkpoint, '--out', out)
    assert 'IoUMetric writes predictions' in said
    assert not out.exists()


def test_test_predictions_need_names_of_their_own(
    refusal, tiny_config: Path, checkpoint: Path
):
    for name in ('images/0.jpg', 'labels/0.png'):
        source = tiny_config.parent / name
        again = source.parent / 'again'
        again.mkdir()
        (again / source.name).write_bytes(source.read_bytes())
    command = [tiny_config, checkpoint, '--work-dir', tiny_config.parent]
    out = tiny_config.parent / 'out'
    said = refusal('test.py', *command, '--out', out)
    assert '0.jpg and ' in said and 'would have one file' in said


def test_test_predictions_never_overwrite(refusal, tiny_config: Path):
    labels = tiny_config.parent / 'labels'
    before = (labels / '0.png').read_bytes()
    said = refusal('test.py', tiny_config, tiny_config, '--out', labels)
    assert f'{labels} is there and not an empty folder' in said
    assert (labels / '0.png').read_bytes() == before


def test_test_missing_checkpoint(refusal, tiny_config: Path):
    said = refusal('test.py', tiny_config, 'gone.pth')
    assert 'argument checkpoint: gone.pth is not a file' in said


def test_test_names_missing_data(refusal, tiny_config: Path, checkpoint: Path):
    (tiny_config.parent / 'labels/2.png').unlink()
    said = refusal('test.py', tiny_config, checkpoint)
    assert 'test: labels are missing (1: ' in said
    (tiny_config.parent / 'images').rename(tiny_config.parent / 'gone')
    said = refusal('test.py', tiny_config, checkpoint)
    assert f'test: {tiny_config.parent}/images is not a folder' in said


def test_test_refuses_weights_of_another_model(
    refusal, tiny_config: Path, tmp_path: Path
):
    other = tmp_path / 'other.pth'
    torch.save({'state_dict': {'layer.weight': torch.ones(2)}}, other)
    command = [tiny_config, other, '--work-dir', tmp_path / 'run']
    said = refusal('test.py', *command)
    assert f'{other} lacks ' in said
    assert 'weights of the model, such as backbone.stem' in said


def test_test_names_a_damaged_checkpoint(
    refusal, tiny_config: Path, checkpoint: Path
):
    checkpoint.write_bytes(checkpoint.read_bytes()[:-40])
    work_dir = tiny_config.parent / 'run'
    said = refusal('test.py', tiny_config, checkpoint, '--work-dir', work_dir)
    assert f'{checkpoint} is no checkpoint that can be loaded' in said


@pytest.mark.parametrize('words', [(), ('--out', 'out')])
def test_test_needs_a_metric(
    refusal, tiny_config: Path, checkpoint: Path, words: tuple[str, ...]
):
    with tiny_config.open('a') as file:
        file.write('\ndel test_evaluator\n')
    said = refusal('test.py', tiny_config, checkpoint, *words)
    assert 'tiny.py has no test_evaluator' in said
