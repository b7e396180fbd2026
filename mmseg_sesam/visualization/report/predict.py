"""What the trained network predicts on images of a report."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.device import get_device
from mmseg.apis import inference_model, init_model
from tqdm import tqdm

from .run import Run


def predict(run: Run, paths: Sequence[str]) -> Iterator[np.ndarray]:
    """Predicts images with the latest checkpoint, as validation does.

    Args:
        run: with a checkpoint.
        paths: of the images.

    Yields:
        Of each image the (H, W) uint8 class ids.
    """
    cfg = copy.deepcopy(run.cfg)
    # Where `mmseg.apis` looks for it.
    cfg.setdefault('test_pipeline', cfg.test_dataloader.dataset.pipeline)
    model = init_model(cfg, str(run.checkpoint), device=get_device())
    for path in tqdm(paths, desc='predicting'):
        label = inference_model(model, path).pred_sem_seg.data[0]
        yield label.cpu().numpy().astype(np.uint8)
