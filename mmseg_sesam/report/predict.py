"""What the trained network predicts on images of a report."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from multiprocessing import Pool

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmseg.apis import inference_model, init_model
from torch import nn

from mmseg_sesam.datasets.pipeline_configs import iterate_pipelines
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.report.run import Run


def predict(
    run: Run, paths: Sequence[str], jobs: int = 1
) -> Iterator[np.ndarray]:
    """Predicts images with the latest checkpoint, as validation does.

    Args:
        run: with a checkpoint.
        paths: of the images.
        jobs: processes where there is no GPU, each with one thread: threads
            of one process wait for each other in every layer, which takes
            ten times as long where other programs run.

    Yields:
        Of each image the (H, W) uint8 class ids.
    """
    cfg = copy.deepcopy(run.cfg)
    # Where `mmseg.apis` looks for it.
    cfg.setdefault('test_pipeline', _test_pipeline(cfg))
    device = get_device()
    model = init_model(cfg, str(run.checkpoint), device=device)
    progress = dict(total=len(paths), desc='predicting')
    if device != 'cpu':
        for path in Progress(paths, **progress):
            yield _predict(model, path)
        return
    with Pool(jobs, _Worker.start, (model,)) as pool:
        yield from Progress(pool.imap(_Worker.predict, paths), **progress)


def _test_pipeline(cfg: Config) -> list[dict]:
    """The pipeline of validation; without one it loads whole images."""
    loader = cfg.get('val_dataloader') or cfg.get('test_dataloader')
    pipelines = iterate_pipelines(loader.dataset) if loader else iter(())
    whole = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    return next(pipelines, whole)


def _predict(model: nn.Module, path: str) -> np.ndarray:
    label = inference_model(model, path).pred_sem_seg.data[0]
    return label.cpu().numpy().astype(np.uint8)


class _Worker:
    """Holds the network in a process of the pool."""

    model: nn.Module

    @classmethod
    def start(cls, model: nn.Module) -> None:
        # See the worker that measures.
        torch.set_num_threads(1)
        cls.model = model

    @classmethod
    def predict(cls, path: str) -> np.ndarray:
        return _predict(cls.model, path)
