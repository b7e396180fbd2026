"""Data preprocessor that knows all label maps and the teacher's view."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_sesam.structures import LABEL_FIELDS

# The stock preprocessor pads gt_sem_seg itself.
_EXTRA_FIELDS = [f for f in LABEL_FIELDS.values() if f != 'gt_sem_seg']


@MODELS.register_module()
class SeSAMDataPreProcessor(SegDataPreProcessor):
    """Normalises and pads images, teacher's views and all label maps.

    Its options are those of `SegDataPreProcessor`.

    Raises:
        ValueError: `batch_augments` are given; they know one label map.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.batch_augments is not None:
            raise ValueError(
                'SeSAMDataPreProcessor got batch_augments, which would mix '
                'images but not their pseudo-labels; remove them.'
            )

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Prepares a batch for the model.

        Args:
            data: from the data loader; see `PackSeSAMInputs`.
            training: whether to pad to `size` or `size_divisor`.

        Returns:
            A dict with 'data_samples' and 'inputs', the (N, 3, H, W) float
            images, or a dict of 'student' and 'teacher' views.
        """
        inputs = data['inputs']
        if not (training and isinstance(inputs, dict)):
            batch = super().forward(data, training)
            if training:
                self._pad_labels(batch['data_samples'])
            return batch
        samples = data['data_samples']
        count = len(samples)
        # One batch of both views, so that they are padded alike.
        both = dict(
            inputs=[*inputs['student'], *inputs['teacher']],
            data_samples=[*samples, *(SegDataSample() for _ in samples)],
        )
        batch = super().forward(both, training)
        samples = batch['data_samples'][:count]
        self._pad_labels(samples)
        views = batch['inputs']
        return dict(
            inputs=dict(student=views[:count], teacher=views[count:]),
            data_samples=samples,
        )

    def _pad_labels(self, samples: list[SegDataSample]) -> None:
        for sample in samples:
            for field in _EXTRA_FIELDS:
                if field in sample:
                    data = sample.pop(field).data
                    padded = F.pad(
                        data, sample.padding_size, value=self.seg_pad_val
                    )
                    sample.set_field(
                        type(sample.gt_sem_seg)(data=padded), field
                    )
