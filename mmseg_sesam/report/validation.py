"""Validation images of a run, with predictions of the network."""

from __future__ import annotations

import copy
import math
from contextlib import suppress
from pathlib import Path
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
from mmseg_sesam.io.images import image_size
from mmseg_sesam.io.names import printable
from mmseg_sesam.report.layers import encode_layers
from mmseg_sesam.report.predict import predict
from mmseg_sesam.report.run import Run

# Predicted images and their pixels, which bound the time, and shown images
# (our choice).
MAX_PREDICTED = 32
MAX_PIXELS = 1e8
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
            dataset, indices = _draw_sample(run)
        # mmseg asserts that a list of images exists.
        except (FileNotFoundError, IndexError, AssertionError) as error:
            reason = f'they are not where the config says ({error})'
        else:
            entries, odd = _predict_and_score(
                run, dataset, indices, num_classes, jobs
            )
            shown = entries[:MAX_SHOWN]
            measure = 'IoU'
            if run.has_proxy:
                measure = 'share of right weak pixels (VAL PROXY)'
            note = (
                f'Validation images: the {len(shown)} with the lowest '
                f'{measure} of {len(indices) - len(odd)} that '
                f'{run.checkpoint.name} predicted, drawn at random from '
                f'{len(dataset):,}.'
            )
            if odd:
                note += f' {len(odd)} more are left out, such as {odd[0]}.'
            return shown, note
    return [], f'Validation images are not shown: {reason}.'


def _draw_sample(run: Run) -> tuple[Any, list[int]]:
    """Returns the data set with pipelines that only load, and some indices."""
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
    drawn = rng.choice(len(dataset), count, replace=False).tolist()
    return dataset, sorted(_limit_pixels(dataset, drawn))


def _limit_pixels(dataset: Any, indices: list[int]) -> list[int]:
    """Returns the first images that have `MAX_PIXELS` together, or one."""
    kept, pixels = [], 0
    for index in indices:
        path = Path(dataset.get_data_info(index)['img_path'])
        # Files that only the config's loader reads have no known size, and
        # damaged ones are named when they are predicted.
        with suppress(OSError, ValueError):
            pixels += math.prod(image_size(path))
        if kept and pixels > MAX_PIXELS:
            break
        kept.append(index)
    return kept


def _predict_and_score(
    run: Run, dataset: Any, indices: list[int], num_classes: int, jobs: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns entries of the gallery, ascending by score, and odd images.

    An odd image cannot be loaded, predicted or scored; its path is returned
    with the reason. Images are loaded one by one.
    """
    paths = [dataset.get_data_info(index)['img_path'] for index in indices]
    predictions = predict(run, paths, jobs)
    entries, odd = [], []
    for index, path, predicted in zip(indices, paths, predictions):
        try:
            if isinstance(predicted, str):
                raise ValueError(predicted)
            entry = _score(run, dataset[index], predicted, num_classes)
        # Pipelines raise anything when a file is damaged.
        except Exception as error:  # noqa: BLE001
            said = str(error).rstrip('.')
            odd.append(printable(f'{path} ({said})'))
            continue
        entry['name'] = printable(path)
        # An image without any label has no score.
        if not np.isnan(entry['score']):
            entries.append(entry)
    return sorted(entries, key=lambda entry: entry['score']), odd


def _score(
    run: Run, sample: dict[str, Any], predicted: np.ndarray, num_classes: int
) -> dict[str, Any]:
    """Returns the entry of an image in the gallery, without its name."""
    name, measure, title = 'iou', 'IoU', 'truth'
    if run.has_proxy:
        name, measure, title = 'recall', 'right weak pixels', 'weak label'
    truth = sample['data_samples'].gt_sem_seg.data[0].numpy()
    truth = truth.astype(np.uint8)
    confusion = confusion_matrix(truth, predicted, num_classes)
    image = rgb_view(sample['inputs'], sample['data_samples'])
    entry = encode_layers(image, {'prediction': predicted, title: truth}, {})
    return dict(entry, score=label_quality(confusion)[name], measure=measure)
