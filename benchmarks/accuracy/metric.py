"""The score of a validation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS


@METRICS.register_module()
class BenchmarkMetric(IoUMetric):
    """IoU of each class, and mIoU over those that enough images show.

    A class on few validation images has an IoU that says little. Its IoU is
    kept under another name, and mIoU leaves it out.

    Args:
        min_images: a class on fewer images is not part of mIoU (our choice).
        volume: pattern of the volume's name in the name of a slice. If
            given, 'mDice' is the mean Dice over volumes and all classes but
            the first, the background, in percent.
    """

    def __init__(
        self, min_images: int = 10, volume: str | None = None
    ) -> None:
        super().__init__(iou_metrics=['mIoU'])
        self.min_images = min_images
        self.volume = volume

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Adds the pixels of each class, and the name of the volume."""
        for sample in data_samples:
            super().process(data_batch, [sample])
            name = Path(sample['img_path']).stem
            if self.volume:
                name = re.match(self.volume, name)[0]
            self.results[-1] = (*self.results[-1], name)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Returns mIoU, 'IoU.NAME' of each class in it, and 'rare_IoU.NAME'.

        Raises:
            ValueError: no class is on enough images.
        """
        pixels = [areas for *areas, _ in results]
        metrics = super().compute_metrics(pixels)
        intersect, union, _, label = map(torch.stack, zip(*pixels))
        images = (label > 0).sum(0)
        iou = 100 * intersect.sum(0) / union.sum(0)
        scored = images >= self.min_images
        if not scored.any():
            raise ValueError(
                f'No class is on {self.min_images} of the {len(results)} '
                'validation images, which mIoU needs; give more images.'
            )
        metrics['mIoU'] = iou[scored].mean().item()
        for name, value, among in zip(
            self.dataset_meta['classes'], iou.tolist(), scored
        ):
            # A class that is neither labelled nor predicted has none.
            if value == value:
                metrics[f'IoU.{name}' if among else f'rare_IoU.{name}'] = value
        if self.volume:
            metrics['mDice'] = _volume_dice(results)
        return metrics


def _volume_dice(results: list) -> float:
    """Mean Dice over volumes and classes, in percent."""
    volumes = defaultdict(list)
    for intersect, _, predicted, label, volume in results:
        volumes[volume].append(torch.stack([intersect, predicted, label]))
    dice = []
    for slices in volumes.values():
        intersect, predicted, label = torch.stack(slices).sum(0)[:, 1:]
        dice.append(200 * intersect / (predicted + label))
    # A class that a volume neither shows nor is predicted to show has none.
    return torch.cat(dice).nanmean().item()
