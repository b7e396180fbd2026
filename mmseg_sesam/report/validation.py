"""Validation images of a run, with predictions of the network."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.pipeline_configs import (
    iterate_pipelines,
    loads,
    with_view_of,
)
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
)
from mmseg_sesam.report.layers import encode_layers
from mmseg_sesam.report.predict import predict
from mmseg_sesam.report.run import Run

# Predicted images, which bound the time, and shown images (our choice).
MAX_PREDICTED = 32
MAX_SHOWN = 8


def show_validation(
    run: Run, num_classes: int, with_predictions: bool, jobs: int
) -> tuple[list[dict[str, Any]], str]:
    """Returns the worst predicted validation images, and a sentence on them.

    The images are entries of the gallery, ascending by IoU, or by the share
    of right weak pixels. Without any, the sentence says why. With
    `with_predictions` the checkpoint predicts a sample in `jobs` processes.
    """
    if run.cfg.get('val_dataloader') is None:
        reason = 'the config has no val_dataloader'
    elif not with_predictions:
        reason = 'predictions were left out (--no-predictions)'
    elif run.checkpoint is None:
        reason = 'there is no checkpoint'
    else:
        try:
            samples, total = _load_sample(run)
        # mmseg asserts that a list of images exists.
        except (FileNotFoundError, IndexError, AssertionError) as error:
            reason = f'they are not where the config says ({error})'
        else:
            entries = _predict_and_score(run, samples, num_classes, jobs)
            shown = entries[:MAX_SHOWN]
            measure = 'IoU'
            if run.has_proxy:
                measure = 'share of right weak pixels (VAL PROXY)'
            return (
                shown,
                f'Validation images: the {len(shown)} with the lowest '
                f'{measure} of {len(samples)} that {run.checkpoint.name} '
                f'predicted, drawn at random from {total:,}.',
            )
    return [], f'Validation images are not shown: {reason}.'


def _load_sample(run: Run) -> tuple[list[dict[str, Any]], int]:
    """Returns some images with their labels, and the number of all images."""
    init_default_scope(run.cfg.get('default_scope', 'mmseg'))
    config = copy.deepcopy(run.cfg.val_dataloader.dataset)
    # mmseg's test pipelines resize before they load labels; whole images are
    # shown at the size of their files.
    for pipeline in iterate_pipelines(config):
        loaders = [step for step in pipeline if loads(step)]
        # Shown as in training; prediction needs no view.
        pipeline[:] = [
            *with_view_of(run.cfg, loaders),
            dict(type='PackSeSAMInputs'),
        ]
    dataset = DATASETS.build(config)
    count = min(MAX_PREDICTED, len(dataset))
    rng = np.random.default_rng(0)
    indices = sorted(rng.choice(len(dataset), count, replace=False).tolist())
    return [dataset[index] for index in indices], len(dataset)


def _predict_and_score(
    run: Run, samples: list[dict[str, Any]], num_classes: int, jobs: int
) -> list[dict[str, Any]]:
    """Returns entries of the gallery, ascending by score."""
    name, measure, title = 'iou', 'IoU', 'truth'
    if run.has_proxy:
        name, measure, title = 'recall', 'right weak pixels', 'weak label'
    paths = [sample['data_samples'].img_path for sample in samples]
    predictions = predict(run, paths, jobs)
    entries = []
    for sample, path, predicted in zip(samples, paths, predictions):
        truth = sample['data_samples'].gt_sem_seg.data[0].numpy()
        truth = truth.astype(np.uint8)
        confusion = confusion_matrix(truth, predicted, num_classes)
        score = label_quality(confusion)[name]
        image = rgb_view(sample['inputs'], sample['data_samples'])
        entry = encode_layers(
            image, {'prediction': predicted, title: truth}, {}
        )
        entry.update(name=path, score=score, measure=measure)
        # An image without any label has no score.
        if not np.isnan(score):
            entries.append(entry)
    return sorted(entries, key=lambda entry: entry['score'])
