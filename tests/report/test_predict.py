"""Predictions of the latest checkpoint."""

from __future__ import annotations

from pathlib import Path

from mmseg.apis import inference_model, init_model

from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.predict import predict
from mmseg_sesam.report.run import read_run


def test_predict_in_processes_as_in_one(work_dir: Path) -> None:
    run = read_run(work_dir)
    pipeline = run.cfg.val_dataloader.dataset.pipeline
    run.cfg.val_dataloader = run.cfg.test_dataloader = None
    paths = RunImages(run).paths

    predictions = list(predict(run, paths, jobs=2))
    assert len(predictions) == len(paths)

    run.cfg.test_pipeline = pipeline
    model = init_model(run.cfg, str(run.checkpoint), device='cpu')
    for path, prediction in zip(paths, predictions):
        label = inference_model(model, path).pred_sem_seg.data[0]
        assert (prediction == label.numpy()).all()
