"""Predictions of the latest checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from mmseg.apis import inference_model, init_model

from mmseg_sesam.engine.predictor import Predictor
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.report.images import ReportImages
from mmseg_sesam.report.predict import (
    PredictionFiles,
    predict,
    write_predictions,
)
from mmseg_sesam.report.run import read_run


def test_predict_in_processes_as_in_one(work_dir: Path) -> None:
    run = read_run(work_dir)
    pipeline = run.cfg.val_dataloader.dataset.pipeline
    run.cfg.val_dataloader = run.cfg.test_dataloader = None
    paths = ReportImages(run).paths

    predictions = list(predict(run, paths, jobs=2))
    assert len(predictions) == len(paths)

    run.cfg.test_pipeline = pipeline
    model = init_model(run.cfg, str(run.checkpoint), device='cpu')
    for path, prediction in zip(paths, predictions):
        label = inference_model(model, path).pred_sem_seg.data[0]
        assert (prediction == label.numpy()).all()


def test_write_predictions_keeps_labels_whose_overlay_fails(
    work_dir: Path, tmp_path: Path
) -> None:
    run = read_run(work_dir)
    image = tmp_path / 'a.tif'
    tifffile.imwrite(image, np.zeros((40, 48, 3), np.uint16))
    paths = [tmp_path / f'out/{name}' for name in ('a.png', 'a.jpg')]
    predictor = Predictor(run.cfg, str(run.checkpoint))
    files = [PredictionFiles(image, *paths, None)]

    (said,) = write_predictions(predictor, files, jobs=1)

    assert 'leave the overlays out' in said
    assert read_label(paths[0]).shape == (40, 48)
    # A label that was corrected meanwhile is kept.
    paths[0].write_bytes(b'mine')
    write_predictions(predictor, files, jobs=1)
    assert paths[0].read_bytes() == b'mine'
