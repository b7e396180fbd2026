"""The metric of the published pseudo-labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.registry import METRICS

from mmseg_sesam.evaluation.label_quality import (
    MEASURES,
    add_counts,
    confusion_matrix,
    label_quality,
    pack_counts,
    quality_table,
)
from mmseg_sesam.io.names import sample_key
from mmseg_sesam.store.store import PseudoLabelStore


@METRICS.register_module()
class PseudoLabelQuality(BaseMetric):
    """Compares the published round of pseudo-labels with dense labels.

    The metric reads the pseudo-labels of the evaluated images and ignores
    the model's predictions. Use it if some training images have dense labels.

    Args:
        pseudo_label_dir: folder of a `PseudoLabelStore`.
        data_root: folder of the images; their paths below it are the names
            of their pseudo-labels.
        ignore_index: the value of void and of unlabelled pixels.
        collect_device: device on which ranks gather results, 'cpu' or 'gpu'.
        prefix: prefix of the metric's names.
    """

    default_prefix = 'pseudo_label'

    def __init__(
        self,
        pseudo_label_dir: str,
        data_root: str,
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.store = PseudoLabelStore(pseudo_label_dir)
        self.data_root = data_root
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Adds the images of a batch, samples with img_path and gt_sem_seg.

        Raises:
            FileNotFoundError: no round is published, or it lacks an image.
            ValueError: a pseudo-label does not fit its dense label.
        """
        round_index = self.store.current
        if round_index is None:
            raise FileNotFoundError(
                f'{self.store.root} holds no published round of '
                'pseudo-labels; make one with '
                'tools/generate_pseudo_labels.py.'
            )
        for sample in data_samples:
            key = sample_key(sample['img_path'], self.data_root)
            truth = sample['gt_sem_seg']['data'][0].cpu().numpy()
            label = self.store.read(key, round_index)
            try:
                counts = confusion_matrix(
                    truth.astype(np.uint8),
                    label,
                    len(self.dataset_meta['classes']),
                    self.ignore_index,
                )
            except ValueError as error:
                raise ValueError(
                    f'The pseudo-label of {sample["img_path"]} in '
                    f'{self.store.folder(round_index)} does not fit its '
                    f'dense label: {error}; correct the labels, or make the '
                    'pseudo-labels again.'
                ) from None
            self.results.append(pack_counts(counts))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Returns coverage, precision, recall and iou of all images, in %.

        Args:
            results: packed counts of the images.
        """
        names = self.dataset_meta['classes']
        quality = label_quality(add_counts(results, len(names)))
        table = quality_table(quality, names)
        MMLogger.get_current_instance().info(f'Pseudo-labels:\n{table}')
        return {name: round(100 * quality[name], 2) for name in MEASURES}
