"""Accuracy on weak labels: a proxy where nobody has dense ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.registry import METRICS
from prettytable import PrettyTable

from mmseg_sesam.evaluation.label_quality import (
    add_counts,
    confusion_matrix,
    pack_counts,
)

# Names of the measures in logs, and of the one that ranks checkpoints.
ALL_PIXELS, BY_CLASS = 'proxyAcc', 'proxyMeanAcc'
PROXY = BY_CLASS


@METRICS.register_module()
class WeakPixelAccuracy(BaseMetric):
    """Shares of weakly labelled pixels that the network predicts right.

    Use it in the place of mmseg's `IoUMetric` where the validation images
    have strokes, points or masks only. People label away from edges, and
    small objects as often as large ones, so that the share is not that of all
    pixels: compare it between checkpoints of the same validation images, and
    not with an mIoU.
    `CheckpointHook(save_best='proxyMeanAcc')` keeps the best checkpoint. The
    options are those of mmengine's `BaseMetric`.

    Example:
        >>> metric = WeakPixelAccuracy(prefix='strokes')
        >>> metric.prefix
        'strokes'
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Adds images, samples with pred_sem_seg and gt_sem_seg."""
        for sample in data_samples:
            weak, label = (
                sample[field]['data'][0].cpu().numpy().astype(np.uint8)
                for field in ('gt_sem_seg', 'pred_sem_seg')
            )
            number = len(self.dataset_meta['classes'])
            counts = confusion_matrix(weak, label, number)
            self.results.append(pack_counts(counts))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Returns proxyAcc and proxyMeanAcc, in %, and logs the classes.

        proxyAcc is the share of all weakly labelled pixels, proxyMeanAcc the
        mean of the classes' shares.

        Args:
            results: packed counts of the images.
        """
        names = self.dataset_meta['classes']
        confusion = add_counts(results, len(names))
        right, pixels = confusion.diagonal(), confusion.sum(axis=1)
        table = PrettyTable(['class', 'weak pixels', 'right, %'])
        table.align['class'] = 'l'
        for name, r, p in zip(names, right, pixels):
            table.add_row([name, f'{p:,}', f'{100 * r / p:.1f}' if p else '-'])
        occurs = pixels > 0
        shares = right[occurs] / pixels[occurs]
        mean = float(shares.mean()) if len(shares) else float('nan')
        share = right.sum() / pixels.sum() if len(shares) else float('nan')
        MMLogger.get_current_instance().info(
            f'VAL PROXY, held-back weak pixels that are predicted right '
            f'(nothing is known of all other pixels):\n{table}'
        )
        return {
            ALL_PIXELS: round(100 * float(share), 2),
            BY_CLASS: round(100 * mean, 2),
        }
