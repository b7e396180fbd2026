"""Pictures of training images, by real trainings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import Runner
from PIL import Image
from pipelines import place_of
from torch import nn

from mmseg_sesam.engine import SeSAMVisualizationHook, summarise

from .conftest import train

MakeConfig = Callable[..., Config]
# Pixels of a picture, and of the titles above it.
WIDTH, HEAD = 48, 22


def pictures(runner: Runner) -> dict[str, np.ndarray]:
    folder = Path(runner.log_dir, 'vis_data/vis_image')
    return {
        path.stem: np.array(Image.open(path))
        for path in sorted(folder.glob('*'))
    }


def columns(strip: np.ndarray) -> list[np.ndarray]:
    """Returns the pictures, without the white beside those of long titles."""
    drawn = strip[HEAD:].astype(int)
    drawn = drawn[:, (drawn < 255).any(axis=(0, 2))]
    return np.split(drawn, drawn.shape[1] // WIDTH, axis=1)


def test_visualization_hook_shows_the_same_images(
    make_config: MakeConfig,
) -> None:
    runner = train(make_config(), interval=4, num_images=2)

    first, last = 'train_0_0', 'train_1_2'
    assert list(pictures(runner)) == [
        f'{name}_{step}' for name in (first, last) for step in (0, 4, 6)
    ]


def test_visualization_hook_shows_every_label(
    make_config: MakeConfig, scribbles: Path
) -> None:
    cfg = make_config(model__confident_threshold=0.0, train_cfg__max_iters=1)
    runner = train(cfg, interval=9, num_images=1)

    image, weak, pseudo, confident, prediction = columns(
        pictures(runner)['train_0_0_1']
    )
    # Small images are not enlarged.
    file = Image.open(scribbles / 'images/deep/0.png')
    np.testing.assert_array_equal(image, np.array(file))
    # The palette is grey, and unlabelled pixels are darker than any colour.
    share = [np.mean(np.ptp(c, axis=2) > 9) for c in (weak, pseudo)]
    assert share[0] < 0.2 < 0.9 < share[1]
    # And so does the strip of the untrained model.
    begun = columns(pictures(runner)['train_0_0_0'])[2]
    assert np.mean(np.ptp(begun, axis=2) > 9) > 0.9
    for labels in (confident, prediction):
        assert np.mean(np.ptp(labels, axis=2) > 9) > 0.99


def test_visualization_hook_does_not_change_training(
    make_config: MakeConfig, short_run: Path
) -> None:
    def weights() -> dict[str, torch.Tensor]:
        saved = torch.load(short_run / 'iter_3.pth', weights_only=False)
        return saved['state_dict']

    plain = weights()
    shutil.rmtree(short_run / 'pseudo_labels')
    (short_run / 'iter_3.pth').unlink()
    cfg = make_config(train_cfg__max_iters=3)
    train(cfg, interval=1, num_images=3)

    for name, value in weights().items():
        assert torch.equal(plain[name], value), name


def test_visualization_hook_with_a_stock_model(
    make_config: MakeConfig,
) -> None:
    cfg = make_config(train_cfg__max_iters=1)
    del cfg.default_hooks['pseudo_labels']
    cfg.model.type = 'EncoderDecoder'
    cfg.model.data_preprocessor.update(type='SegDataPreProcessor')
    cfg.model.pop('teacher')
    pipeline = cfg.train_dataloader.dataset.pipeline
    for name, stock in dict(
        LoadWeakAnnotations=[dict(type='LoadAnnotations')],
        LoadPseudoLabel=[],
        KeepTeacherView=[],
        PackSeSAMInputs=[dict(type='PackSegInputs')],
    ).items():
        place = place_of(pipeline, name)
        pipeline[place : place + 1] = stock

    runner = train(cfg, interval=1)

    strip = pictures(runner)['train_0_0_1']
    assert len(columns(strip)) == 3


def test_visualization_hook_shows_stored_confident_labels(
    make_config: MakeConfig,
) -> None:
    cfg = make_config(
        model__teacher='round',
        model__confident_threshold=0.0,
        train_cfg__max_iters=3,
    )

    runner = train(cfg, interval=2, num_images=1)

    drawn = pictures(runner)
    _, _, _, before, _ = columns(drawn['train_0_0_0'])
    _, _, _, after, _ = columns(drawn['train_0_0_2'])
    # The first round has none.
    assert np.ptp(before, axis=2).max() == 0
    assert np.mean(np.ptp(after, axis=2) > 9) > 0.99


def test_visualization_hook_rejects_an_impossible_interval() -> None:
    with pytest.raises(ValueError, match='interval=0, expected'):
        SeSAMVisualizationHook(interval=0)


class Sharded(nn.Module):
    """As FSDP wraps a model."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


def test_visualization_hook_rejects_a_sharded_model(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODEL_WRAPPERS.module_dict, 'Sharded', Sharded)
    runner = Runner.from_cfg(make_config())
    runner.model = Sharded(runner.model)
    with pytest.raises(ValueError, match='Sharded shards the parameters'):
        SeSAMVisualizationHook().before_train(runner)


def test_summarise_names_existing_files(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = make_config(train_cfg__max_iters=3)
    cfg.default_hooks.checkpoint.interval = 3
    runner = train(cfg, interval=2)

    text = summarise(runner)

    work_dir = tmp_path / 'work'
    assert f'{work_dir}/iter_3.pth' in text
    assert str(tmp_path / 'work/pseudo_labels/round_0001') in text
    assert f'{runner.log_dir}/vis_data/vis_image' in text
    assert text.endswith(f'python tools/report.py {work_dir}')
