"""Views for student and teacher, and packing for the model."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform, to_tensor
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

# Label map in the pipeline -> its field of the data sample.
LABEL_FIELDS = dict(
    gt_seg_map='gt_sem_seg',
    sam_seg_map='sam_sem_seg',
    confident_seg_map='confident_sem_seg',
)


@TRANSFORMS.register_module()
class KeepTeacherView(BaseTransform):
    """Keeps the image as it is now for the teacher.

    Place it after the geometric transforms and before the photometric ones:
    the student gets the strongly augmented view, the teacher this one.

    Required keys: img. Added keys: teacher_img, (H, W, 3) uint8.
    """

    def transform(self, results: dict) -> dict:
        """Adds teacher_img."""
        results['teacher_img'] = results['img'].copy()
        return results


@TRANSFORMS.register_module()
class PackSeSAMInputs(PackSegInputs):
    """Packs the image, the teacher's view and all label maps.

    The result has 'data_samples' with the label maps that are there, as
    (1, H, W) uint8: gt_sem_seg (the weak label), sam_sem_seg and
    confident_sem_seg; and 'inputs', the (3, H, W) uint8 image, or a dict of
    'student' and 'teacher' after `KeepTeacherView`.

    Args:
        meta_keys: kept in the data sample's meta information.
    """

    def __init__(
        self,
        meta_keys: tuple[str, ...] = (
            'img_path',
            'seg_map_path',
            'ori_shape',
            'img_shape',
            'pad_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'reduce_zero_label',
            'pseudo_label_round',
            'weak_classes',
        ),
    ) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict) -> dict:
        """Packs the results of a pipeline."""
        # Labels travel as 8 bits; stock packing would make them 64.
        labels = {
            field: results.pop(name)
            for name, field in LABEL_FIELDS.items()
            if name in results
        }
        packed = super().transform(results)
        if 'teacher_img' in results:
            teacher = results['teacher_img'].transpose(2, 0, 1)
            packed['inputs'] = dict(
                student=packed['inputs'],
                teacher=to_tensor(np.ascontiguousarray(teacher)),
            )
        for field, label in labels.items():
            data = torch.from_numpy(np.ascontiguousarray(label[None]))
            packed['data_samples'].set_data({field: PixelData(data=data)})
        return packed
