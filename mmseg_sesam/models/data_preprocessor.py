"""Data preprocessor for all label maps and the teacher's view."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_sesam.structures import HUMAN_FIELD, LABEL_SUFFIX


@MODELS.register_module()
class SeSAMDataPreProcessor(SegDataPreProcessor):
    """Normalises images and teacher's views, and pads all label maps.

    Label maps are the fields of a data sample that end with `_sem_seg`.

    Args:
        channels_last: whether the model gets its images in torch's
            channels_last memory format. Convolutions keep it; on CPUs
            they take less time in it (docs/performance.md).
        **kwargs: options of `SegDataPreProcessor`.

    Raises:
        ValueError: `batch_augments` are given, which change one label map.
    """

    def __init__(self, *args, channels_last: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.channels_last = channels_last
        if self.batch_augments is not None:
            raise ValueError(
                'SeSAMDataPreProcessor got batch_augments, which would mix '
                'images but not their pseudo-labels; remove them.'
            )

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Returns a batch for the model.

        Args:
            data: from the data loader; see `PackSeSAMInputs`.
            training: whether to pad to `size` or `size_divisor`.

        Returns:
            A dict with 'data_samples' and 'inputs', the (N, C, H, W) float
            images, or a dict of 'student' and 'teacher' views.
        """
        inputs, samples = data['inputs'], data.get('data_samples')
        two_views = training and isinstance(inputs, dict)
        if two_views:
            # One batch of both views, so that they are padded alike.
            data = dict(
                inputs=[*inputs['student'], *inputs['teacher']],
                data_samples=[*samples, *(SegDataSample() for _ in samples)],
            )
        batch = super().forward(data, training)
        if self.channels_last:
            batch['inputs'] = batch['inputs'].contiguous(
                memory_format=torch.channels_last
            )
        if two_views:
            student, teacher = batch['inputs'].chunk(2)
            samples = batch['data_samples'][: len(samples)]
            inputs = dict(student=student, teacher=teacher)
            batch = dict(inputs=inputs, data_samples=samples)
        if training:
            self._pad_labels(batch['data_samples'])
        return batch

    def _pad_labels(self, samples: list[SegDataSample]) -> None:
        """Pads all label maps but gt_sem_seg, which the stock class pads."""
        for sample in samples:
            for field in [*sample.keys()]:
                if field.endswith(LABEL_SUFFIX) and field != HUMAN_FIELD:
                    label = sample.pop(field).data
                    label = F.pad(
                        label, sample.padding_size, value=self.seg_pad_val
                    )
                    sample.set_data({field: PixelData(data=label)})
