"""What a network learns from right and from wrong labels, over time.

For analysis only: the dense labels of training images are read here, and
nothing that is measured changes the training.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import BaseTransform
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.utils import resize
from mmseg.registry import DATASETS, TRANSFORMS
from torch import Tensor

from mmseg_sesam.datasets.loading import copy_store
from mmseg_sesam.engine.models import unwrap
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.models.label_maps import stack_labels
from mmseg_sesam.models.sesam_encoder_decoder import SeSAMEncoderDecoder
from mmseg_sesam.structures import PSEUDO_FIELD, UNLABELLED

from .balance import LOADING

FILE = 'watch.json'
DENSE_FIELD = 'dense_sem_seg'


@TRANSFORMS.register_module()
class LoadDenseLabel(BaseTransform):
    """Adds the dense label of a training image as dense_seg_map.

    Args:
        folder: of the dense labels, named as the images are.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def transform(self, results: dict) -> dict:
        """Adds dense_seg_map, which later transforms move as a label."""
        name = Path(results['img_path']).with_suffix('.png').name
        results['dense_seg_map'] = read_label(self.folder / name)
        results['seg_fields'].append('dense_seg_map')
        return results


class WatchHook(Hook):
    """Measures fixed crops of training images every `interval` steps.

    The crops, flips and colours are the same each time; the pseudo-labels
    are those of the published round. `watch.json` in the work dir gets a
    record for each time: the step, the round, the share of pixels that the
    student and the teacher predict right, the student's share on 'unlabelled'
    pixels, and, for each source of labels, the measures of its right and of
    its wrong pixels:

    - pixels: their number.
    - loss: mean cross entropy of the student against the label.
    - follows: share where the student predicts the label. On wrong pixels,
      its growth shows that errors are memorised.
    - right: share where the student predicts the dense label.

    'dropped' are pseudo-labels that the teacher contradicts, see `agreement`.

    Args:
        dense: folder of the training images' dense labels.
        interval: steps.
        crops: number of crops, of images at equal distances in the set.
    """

    # After the hook of the pseudo-labels, which opens the store.
    priority = 'LOWEST'

    def __init__(
        self, dense: Path, interval: int = 50, crops: int = 16
    ) -> None:
        self.dense = dense
        self.interval = interval
        self.crops = crops

    def before_train(self, runner: Runner) -> None:
        """Builds the data set, and reads the records of an earlier part."""
        config = copy.deepcopy(runner.cfg.train_dataloader.dataset)
        place = sum(step['type'] in LOADING for step in config.pipeline)
        config.pipeline.insert(
            place, dict(type='LoadDenseLabel', folder=str(self.dense))
        )
        self.dataset = DATASETS.build(config)
        copy_store(runner.train_dataloader.dataset, self.dataset)
        self.file = Path(runner.work_dir, FILE)
        resumed = runner.iter and self.file.exists()
        records = json.loads(self.file.read_text()) if resumed else []
        self.records = [r for r in records if r['step'] <= runner.iter]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Adds a record when it is time."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        model = unwrap(runner.model)
        model.eval()
        with _seeded():
            batch = pseudo_collate([self.dataset[i] for i in self._places()])
        record = measure(model, batch)
        model.train()
        self.records.append(dict(step=runner.iter + 1, **record))
        self.file.write_text(json.dumps(self.records, indent=1) + '\n')

    def _places(self) -> list[int]:
        places = np.linspace(0, len(self.dataset) - 1, self.crops)
        return places.astype(int).tolist()


@torch.no_grad()
def measure(model: SeSAMEncoderDecoder, batch: dict) -> dict[str, Any]:
    """Measures a batch of crops as `WatchHook` describes it.

    Args:
        model: in evaluation mode.
        batch: collated samples with dense_sem_seg.
    """
    data = model.data_preprocessor(batch, True)
    views, samples = data['inputs'], data['data_samples']
    dense = stack_labels(samples, DENSE_FIELD)
    maps = model.label_maps(views['teacher'], samples)
    logits = model.head_logits(views['student'], dense.shape[1:])['decode']
    predicted = logits.argmax(1)
    known = dense != UNLABELLED
    labels = dict(maps.labels)
    free = maps.merged() == UNLABELLED
    if PSEUDO_FIELD in samples[0]:
        given = stack_labels(samples, PSEUDO_FIELD)
        labels['dropped'] = given.masked_fill(~free, UNLABELLED)
        free = free & (given == UNLABELLED)
    right = predicted == dense
    record: dict[str, Any] = dict(
        round=samples[0].get('pseudo_label_round', -1),
        student=_mean(right, known),
        unlabelled=_mean(right, known & free),
    )
    if model.teacher is not None:
        record['teacher'] = _mean(
            _teacher(model, views['teacher'], dense) == dense, known
        )
    for name, label in labels.items():
        loss = F.cross_entropy(
            logits,
            label.long(),
            reduction='none',
            ignore_index=UNLABELLED,
        )
        labelled = known & (label != UNLABELLED)
        parts = dict(right=label == dense, wrong=label != dense)
        record[name] = {
            part: dict(
                pixels=int((among & labelled).sum()),
                loss=_mean(loss, among & labelled),
                follows=_mean(predicted == label, among & labelled),
                right=_mean(right, among & labelled),
            )
            for part, among in parts.items()
        }
    return record


def _teacher(
    model: SeSAMEncoderDecoder, images: Tensor, dense: Tensor
) -> Tensor:
    """Returns what the teacher predicts, (N, H, W)."""
    logits = resize(
        model.teacher.logits(images), size=dense.shape[1:], mode='bilinear'
    )
    return logits.argmax(1)


def _mean(values: Tensor, among: Tensor) -> float | None:
    if not among.any():
        return None
    return round(values[among].float().mean().item(), 4)


@contextmanager
def _seeded() -> Iterator[None]:
    """Gives transforms the same random numbers each time, and only here."""
    states = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
