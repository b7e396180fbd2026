"""Boundary IoU as a metric of predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.registry import METRICS
from prettytable import PrettyTable

from mmseg_sesam.evaluation.boundary import (
    WIDTH,
    boundary_iou,
    count_boundaries,
)
from mmseg_sesam.validators import SHARE, check_options


@METRICS.register_module()
class BoundaryIoU(BaseMetric):
    """Compares the outlines of predictions with those of dense labels.

    IoU is dominated by the inside of large objects; this measure looks at a
    band along their outlines. List it beside mmseg's `IoUMetric`, which ranks
    checkpoints (`save_best='mIoU'`):
    `val_evaluator = [dict(type='IoUMetric'), dict(type='BoundaryIoU')]`.
    It runs on the CPU; docs/report.md has its times.
    Source: see `count_boundaries`.

    Args:
        width: width of the band inside an outline, as a share of the image's
            diagonal.
        collect_device: device on which ranks gather results, 'cpu' or 'gpu'.
        prefix: prefix of the metric's names.
    """

    def __init__(
        self,
        width: float = WIDTH,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.width = width
        check_options(self, width=SHARE)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Adds images, samples with pred_sem_seg and gt_sem_seg."""
        number = len(self.dataset_meta['classes'])
        for sample in data_samples:
            truth, label = (
                sample[field]['data'][0].cpu().numpy().astype(np.uint8)
                for field in ('gt_sem_seg', 'pred_sem_seg')
            )
            counts = count_boundaries(truth, label, number, self.width)
            self.results.append(counts)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Returns mBoundaryIoU, in %, and logs the classes.

        Args:
            results: counts of `count_boundaries`.
        """
        iou = boundary_iou(np.sum(results, axis=0))
        table = PrettyTable(['Class', 'Boundary IoU'])
        for name, value in zip(self.dataset_meta['classes'], iou['classes']):
            table.add_row([name, f'{100 * value:.2f}'])
        MMLogger.get_current_instance().info(f'per class results:\n{table}')
        return dict(mBoundaryIoU=round(100 * iou['iou'], 2))
