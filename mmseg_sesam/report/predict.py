"""Predictions of the trained network on images of a report."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.config import Config
from mmengine.device import get_device
from mmseg.apis import inference_model, init_model
from torch import nn

from mmseg_sesam.datasets.pipeline_configs import iterate_pipelines
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.report.processes import map_in_processes
from mmseg_sesam.report.run import Run


def predict(
    run: Run, paths: Sequence[str], jobs: int = 1
) -> Iterator[np.ndarray]:
    """Yields the (H, W) uint8 class ids that the latest checkpoint predicts.

    It predicts as validation does. Without a GPU several processes of one
    thread predict: threads of one process wait for each other in every layer,
    which takes ten times as long where other programs run.
    """
    cfg = copy.deepcopy(run.cfg)
    # `mmseg.apis` looks for it there.
    cfg.setdefault('test_pipeline', _test_pipeline(cfg))
    device = get_device()
    model = init_model(cfg, str(run.checkpoint), device=device)
    if device == 'cpu':
        yield from map_in_processes(_predict, model, paths, jobs, 'predicting')
    else:
        for path in Progress(paths, desc='predicting'):
            yield _predict(model, path)


def _test_pipeline(cfg: Config) -> list[dict]:
    """Returns the pipeline of validation, or one that loads whole images."""
    loader = cfg.get('val_dataloader') or cfg.get('test_dataloader')
    pipelines = iterate_pipelines(loader.dataset) if loader else iter(())
    whole = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    return next(pipelines, whole)


def _predict(model: nn.Module, path: str) -> np.ndarray:
    label = inference_model(model, path).pred_sem_seg.data[0]
    return label.cpu().numpy().astype(np.uint8)
