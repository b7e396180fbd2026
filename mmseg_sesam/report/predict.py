"""Predictions of a run, for its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.device import get_device

from mmseg_sesam.engine.map_images import map_images
from mmseg_sesam.engine.predictor import Predictor, try_to_predict
from mmseg_sesam.report.run import Run


def predict(
    run: Run, paths: Sequence[str], jobs: int = 1
) -> Iterator[np.ndarray | str]:
    """Yields the (H, W) uint8 class ids that the latest checkpoint predicts.

    It predicts as validation does. In the place of an image that cannot be
    predicted it yields a sentence that says why.
    """
    predictor = Predictor(run.cfg, str(run.checkpoint), get_device())
    yield from map_images(_predict_label, predictor, paths, jobs)


def _predict_label(predictor: Predictor, path: str) -> np.ndarray | str:
    prediction = try_to_predict(predictor, path)
    return prediction if isinstance(prediction, str) else prediction.label
