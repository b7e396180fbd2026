"""Transforms that keep the teacher's view and pack for the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform, to_tensor
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from mmseg_sesam.io.names import printable
from mmseg_sesam.structures import LABEL_SUFFIX, MAP_SUFFIX, UNLABELLED

# Keys of the results that model and hooks of this package read.
_OWN_KEYS = ('pseudo_label_round', 'weak_classes', 'label_kind', 'rgb_view')


@TRANSFORMS.register_module()
class KeepTeacherView(BaseTransform):
    """Copies the current image as the teacher's view.

    Place it after the geometric transforms and before the photometric ones:
    the student gets the strongly augmented view, the teacher the copy.

    Required keys: img. Added keys: teacher_img, same shape and dtype;
    teacher_maps, the label maps by name, by which `PackSeSAMInputs` finds
    transforms that move pixels afterwards.

    Example:
        >>> KeepTeacherView()(dict(img=np.zeros((2, 3)))).keys()
        dict_keys(['img', 'teacher_img', 'teacher_maps'])
    """

    def transform(self, results: dict) -> dict:
        """Adds teacher_img and teacher_maps."""
        results['teacher_img'] = results['img'].copy()
        results['teacher_maps'] = _maps(results)
        return results


@TRANSFORMS.register_module()
class PackSeSAMInputs(PackSegInputs):
    """Packs the image, the teacher's view and all label maps.

    The result has 'inputs', the (C, H, W) image, or after `KeepTeacherView`
    a dict of 'student' and 'teacher'; and 'data_samples' with every existing
    label map as (1, H, W) uint8: `NAME_seg_map` becomes the field
    `NAME_sem_seg`, such as gt_sem_seg (the weak label) and pseudo_sem_seg.

    Args:
        **options: meta_keys of `PackSegInputs`: keys of the results that the
            data sample keeps, beside those that this package reads.

    Example:
        >>> image = np.zeros((2, 3, 3), np.uint8)
        >>> label = np.zeros((2, 3), np.uint8)
        >>> packed = PackSeSAMInputs()(
        ...     dict(img=image, img_path='a.jpg', gt_seg_map=label)
        ... )
        >>> packed['data_samples'].gt_sem_seg.shape
        (2, 3)
    """

    def __init__(self, **options: Sequence[str]) -> None:
        super().__init__(**options)
        self.meta_keys = (*self.meta_keys, *_OWN_KEYS)

    def transform(self, results: dict) -> dict:
        """Packs the results of a pipeline.

        Raises:
            ValueError: the image is neither uint8 nor float, or a transform
                moved the label maps differently, or after the teacher's view
                was kept.
        """
        _check_depth(results)
        if 'teacher_img' in results:
            _check_views_aligned(results)
        _check_sizes(results)
        if 'pseudo_label_round' in results:
            _check_labels_aligned(results)
        # Labels stay at 8 bits; stock packing converts them to 64.
        labels = {
            name.removesuffix(MAP_SUFFIX) + LABEL_SUFFIX: results.pop(name)
            for name in _maps(results)
        }
        packed = super().transform(results)
        if 'teacher_img' in results:
            teacher = results['teacher_img']
            # Adds the channel axis of grey images, as stock packing does.
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


def _maps(results: dict) -> dict[str, np.ndarray]:
    """Returns all label maps by name."""
    return {
        name: value
        for name, value in results.items()
        if name.endswith(MAP_SUFFIX) and isinstance(value, np.ndarray)
    }


def _check_depth(results: dict) -> None:
    image = results['img']
    if image.dtype != np.uint8 and image.dtype.kind != 'f':
        raise ValueError(
            f'{printable(results["img_path"])} is loaded as {image.dtype}, '
            'expected uint8 or float; set to_float32=True in the step that '
            'loads the image, and put LoadRGBView after it, since segmenters '
            'see 8 bits.'
        )


def _check_views_aligned(results: dict) -> None:
    """Raises if a transform moved pixels after the teacher's view was kept.

    Labels then appear where the kept map has none or another one. Transforms
    that only remove labels, as `RandomCutOut` does, move nothing.
    """
    kept = results['teacher_maps']
    moved = results['teacher_img'].shape[:2] != results['img'].shape[:2]
    for name, now in _maps(results).items():
        before = kept.get(name, now)
        # Colour transforms leave the map that was kept in its place.
        if before is not now:
            moved |= before.shape != now.shape or bool(
                ((now != UNLABELLED) & (now != before)).any()
            )
    if moved:
        path = printable(results['img_path'])
        raise ValueError(
            f'A transform moved the labels of {path} '
            "after KeepTeacherView, so that the student's view would show "
            "other places than the teacher's; place KeepTeacherView after all "
            'transforms that move pixels.'
        )


def _check_sizes(results: dict) -> None:
    """Raises if label maps and image have different sizes.

    Pipelines of validation resize the image before they load its only map.
    """
    maps = _maps(results)
    if maps.keys() <= {'gt_seg_map'}:
        return
    shape = results['img'].shape[:2]
    for name, label in maps.items():
        if label.shape != shape:
            raise ValueError(
                f'The {name} of {printable(results["img_path"])} has '
                f'{label.shape} and the image {shape} pixels (height, width) '
                'after the transforms of the training pipeline; load it at '
                'the size of the image, list it in seg_fields, and take out '
                'the transform that does not move all maps in seg_fields.'
            )


def _check_labels_aligned(results: dict) -> None:
    """Raises if a transform moved the label maps differently.

    A pseudo-label keeps every weakly labelled pixel, so the two differ
    nowhere if they were moved together. A user's own transform may move only
    the image and `gt_seg_map`, which its class does not show.
    """
    maps = _maps(results)
    if not {'gt_seg_map', 'pseudo_seg_map'} <= maps.keys():
        return
    weak, pseudo = maps['gt_seg_map'], maps['pseudo_seg_map']
    both = (weak != UNLABELLED) & (pseudo != UNLABELLED)
    differ = both & (weak != pseudo)
    if differ.any():
        raise ValueError(
            f'The pseudo-label of {printable(results["img_path"])} differs '
            f'from its weak label in {np.count_nonzero(differ)} pixels that '
            'both label, after the transforms of the training pipeline; take '
            'out the transform that does not move all maps in seg_fields, or '
            'make the pseudo-labels again if weak labels have changed.'
        )
