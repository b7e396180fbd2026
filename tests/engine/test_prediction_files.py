"""Files of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import tifffile
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_sesam.engine.prediction_files import (
    PredictionFiles,
    write_predictions,
)
from mmseg_sesam.engine.predictor import Predictor
from mmseg_sesam.io.labels import read_label


def test_write_predictions_keeps_labels_whose_overlay_fails(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    init_default_scope('mmseg')
    cfg, checkpoint = make_config(), tmp_path / 'network.pth'
    torch.save(MODELS.build(cfg.model).state_dict(), checkpoint)
    image = tmp_path / 'a.tif'
    tifffile.imwrite(image, np.zeros((40, 48, 3), np.uint16))
    paths = [tmp_path / f'out/{name}' for name in ('a.png', 'a.jpg')]
    predictor = Predictor(cfg, str(checkpoint))
    files = [PredictionFiles(image, *paths, None)]

    (said,) = write_predictions(predictor, files, jobs=1)

    assert 'leave the overlays out' in said
    assert read_label(paths[0]).shape == (40, 48)
    # A label that was corrected meanwhile is kept.
    paths[0].write_bytes(b'mine')
    write_predictions(predictor, files, jobs=1)
    assert paths[0].read_bytes() == b'mine'
