"""Views for student and teacher, and packing for the model."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform, to_tensor
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from mmseg_sesam.io.names import printable
from mmseg_sesam.structures import field_of, is_label_map


@TRANSFORMS.register_module()
class KeepTeacherView(BaseTransform):
    """Keeps the image as it is now for the teacher.

    Place it after the geometric transforms and before the photometric ones:
    the student gets the strongly augmented view, the teacher this one.

    Required keys: img. Added keys: teacher_img, of its shape and dtype.
    """

    def transform(self, results: dict) -> dict:
        """Adds teacher_img."""
        results['teacher_img'] = results['img'].copy()
        return results


@TRANSFORMS.register_module()
class PackSeSAMInputs(PackSegInputs):
    """Packs the image, the teacher's view and all label maps.

    The result has 'data_samples' with every label map that is there, as
    (1, H, W) uint8: `NAME_seg_map` becomes the field `NAME_sem_seg`, such as
    gt_sem_seg (the weak label) and pseudo_sem_seg. It also has 'inputs', the
    (C, H, W) image, or a dict of 'student' and 'teacher' after
    `KeepTeacherView`.

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
        """Packs the results of a pipeline.

        Raises:
            ValueError: the image is neither of 8 bits nor of floats, or a
                transform moved the label maps differently.
        """
        _check_depth(results)
        if 'pseudo_label_unlabelled' in results:
            check_labels_aligned(results)
        # Labels travel as 8 bits; stock packing would make them 64.
        labels = {
            field_of(name): results.pop(name)
            for name in list(results)
            if _is_map(results, name)
        }
        packed = super().transform(results)
        if 'teacher_img' in results:
            teacher = results['teacher_img']
            # Of grey images stock packing adds the axis as well.
            teacher = teacher.reshape(*teacher.shape[:2], -1)
            teacher = teacher.transpose(2, 0, 1)
            packed['inputs'] = dict(
                student=packed['inputs'],
                teacher=to_tensor(np.ascontiguousarray(teacher)),
            )
        for field, label in labels.items():
            data = torch.from_numpy(np.ascontiguousarray(label[None]))
            packed['data_samples'].set_data({field: PixelData(data=data)})
        return packed


def _is_map(results: dict, name: str) -> bool:
    return is_label_map(name) and isinstance(results[name], np.ndarray)


def _check_depth(results: dict) -> None:
    """Names the file that older torch cannot make a tensor of."""
    image = results['img']
    if image.dtype != np.uint8 and image.dtype.kind != 'f':
        raise ValueError(
            f'{printable(results["img_path"])} is loaded as {image.dtype}, '
            'expected uint8, since segmenters see 8 bits; scale the images '
            'to 8 bits in their files.'
        )


def check_labels_aligned(results: dict) -> None:
    """Refuses a pseudo-label that was not moved along with its weak label.

    A pseudo-label keeps every weakly labelled pixel, whatever moved both. A
    user's own transform may move the image and `gt_seg_map` alone, which
    the class of a transform does not tell.

    Args:
        results: of a pipeline, after `LoadPseudoLabel`.

    Raises:
        ValueError: label maps differ in size, or where both are labelled.
    """
    maps = {k: v for k, v in results.items() if _is_map(results, k)}
    path, shape = printable(results['img_path']), results['img'].shape[:2]
    remedy = (
        'take out the transform that does not move all maps in seg_fields, '
        'or make the pseudo-labels again if weak labels have changed.'
    )
    for name, label in maps.items():
        if label.shape != shape:
            raise ValueError(
                f'The {name} of {path} has {label.shape} and the image '
                f'{shape} pixels (height, width) after the transforms of the '
                f'training pipeline; {remedy}'
            )
    if not {'gt_seg_map', 'pseudo_seg_map'} <= maps.keys():
        return
    weak, pseudo = maps['gt_seg_map'], maps['pseudo_seg_map']
    unlabelled = results['pseudo_label_unlabelled']
    differ = (weak != pseudo) & (weak != unlabelled) & (pseudo != unlabelled)
    if differ.any():
        raise ValueError(
            f'The pseudo-label of {path} differs from its weak label in '
            f'{np.count_nonzero(differ)} pixels that both label, after the '
            f'transforms of the training pipeline; {remedy}'
        )
