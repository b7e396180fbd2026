"""Checks that pipelines load pseudo-labels and move all labels alike."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Sequence

import mmcv.transforms as of_mmcv
import mmseg.datasets.transforms as of_mmseg
from mmseg.registry import TRANSFORMS

from mmseg_sesam.datasets.pipeline_configs import (
    iterate_nested,
    iterate_pipelines,
    iterate_transforms,
    loads,
    transform_names,
)
from mmseg_sesam.type_names import lineage, option_of, type_name

# Transforms that move the image and not all labels.
_HARMFUL = (
    of_mmcv.CenterCrop,
    of_mmcv.Pad,
    of_mmcv.RandomFlip,
    of_mmcv.Resize,
    of_mmseg.Albu,
    of_mmseg.BioMedical3DPad,
    of_mmseg.BioMedical3DRandomCrop,
    of_mmseg.BioMedical3DRandomFlip,
)
# Classes derived from harmful ones that move all labels.
_HARMLESS = (of_mmseg.RandomFlip, of_mmseg.Resize)
# Parts of the names of classes that move pixels. Those of albumentations
# derive from DualTransform.
_MOVING = ('Resize', 'Crop', 'Flip', 'Rotate', 'Mosaic', 'DualTransform')
# Parts of the names of classes derived from DualTransform that move nothing.
_STAYING = ('Dropout', 'NoOp')


def check_pipelines(dataset: dict) -> None:
    """Raises if `LoadPseudoLabel` and other transforms do not fit together.

    Raises:
        ValueError: a pipeline has no `LoadPseudoLabel`, has it after a
            transform that changes the image, or a transform would move the
            image and not all labels.
    """
    check_moves_labels(iterate_transforms(dataset))
    has_source = []
    for pipeline in iterate_pipelines(dataset):
        found = [transform_names(step) for step in pipeline]
        places = [i for i, n in enumerate(found) if 'LoadPseudoLabel' in n]
        if not places:
            # The pipeline of a wrapper loads nothing.
            if any(map(loads, pipeline)):
                has_source.append(False)
            continue
        has_source.append(True)
        before = pipeline[: places[0]]
        others = [type_name(step) for step in before if not loads(step)]
        if others:
            raise ValueError(
                f'The training pipeline holds {others} before '
                'LoadPseudoLabel; pseudo-labels are of the whole image: '
                'load them right after the weak labels.'
            )
    if not has_source or not all(has_source):
        raise ValueError(
            'The training pipeline needs LoadPseudoLabel after the weak '
            f'labels are loaded, in all data sets; {has_source.count(False)} '
            f'of {len(has_source)} pipelines have none: add it there.'
        )


def check_moves_labels(transforms: Iterable[dict]) -> None:
    """Raises if a transform moves an image and not all its labels."""
    for step in transforms:
        kinds = set(lineage(step, TRANSFORMS))
        if not kinds.intersection(_HARMFUL) or kinds.intersection(_HARMLESS):
            continue
        # Colours may change: no label map has to follow.
        if of_mmseg.Albu in kinds and not any(
            map(_changes_labels, iterate_nested([step]))
        ):
            continue
        name = type_name(step)
        # mmcv and mmseg both have transforms of these names.
        if kinds.intersection((of_mmcv.RandomFlip, of_mmcv.Resize)):
            name = f'{name} of mmcv'
        raise ValueError(
            f'The training pipeline holds {name}, which does not move all '
            'label maps along with the image; use RandomCrop, RandomFlip, '
            'RandomRotate or Resize of mmseg, and let the data preprocessor '
            'pad.'
        )


def check_ids_stay(transforms: Iterable[dict]) -> None:
    """Raises if a transform changes the class ids of labels."""
    for step in transforms:
        if of_mmseg.RandomRotFlip not in lineage(step, TRANSFORMS):
            continue
        if option_of(step, TRANSFORMS, 'rotate_prob') != 0:
            raise ValueError(
                f'The training pipeline holds {type_name(step)}, which '
                'interpolates class ids where it rotates a label, and fills '
                'the corners with class 0; set rotate_prob=0, or use '
                'RandomRotate and RandomFlip of mmseg.'
            )


def check_views(steps: Sequence[dict]) -> None:
    """Raises if a transform spoils the view that `KeepTeacherView` keeps.

    Student and teacher would see different places if a later transform moved
    pixels, in any training, with and without pseudo-labels.
    """
    keeping = ['KeepTeacherView' in transform_names(step) for step in steps]
    if not any(keeping):
        return
    for step in iterate_nested(steps[keeping.index(True) :]):
        if _moves_pixels(step):
            raise ValueError(
                f'The training pipeline holds {type_name(step)} after '
                "KeepTeacherView, which would part the student's view from "
                "the teacher's; place KeepTeacherView after all transforms "
                'that move pixels.'
            )


def check_same_steps(
    pipelines: Sequence[Sequence[dict]], name: str, reason: str
) -> None:
    """Raises if some data sets have a transform, and others lack it.

    Args:
        pipelines: all transforms of each data set.
        name: class of the transform.
        reason: why all need it, after 'expected it in all or none'.
    """
    found = [
        any(name in transform_names(step) for step in steps)
        for steps in pipelines
    ]
    if any(found) and not all(found):
        raise ValueError(
            f'Of the joined training data sets, number {found.index(True)} '
            f'has {name} and number {found.index(False)} has none, expected '
            f'it in all or none, {reason}; add it to all of them.'
        )


def _changes_labels(step: dict) -> bool:
    """Returns whether a transform moves pixels, or blanks some of one label.

    A dropout of albumentations does if it is for masks or has a value for
    them: `mask_fill_value`, in later versions `fill_mask`.
    """
    fills = (step.get('mask_fill_value'), step.get('fill_mask'))
    blanks = type_name(step) == 'MaskDropout' or fills != (None, None)
    return blanks or _moves_pixels(step)


def _moves_pixels(step: dict) -> bool:
    """Returns whether a transform, or one within `Albu`, moves pixels."""
    names = transform_names(step)
    # mmseg has imported it if it is installed.
    albumentations = sys.modules.get('albumentations')
    kind = getattr(albumentations, type_name(step), None)
    if inspect.isclass(kind):
        names.update(base.__name__ for base in inspect.getmro(kind))
    stays = any(part in name for name in names for part in _STAYING)
    moves = any(part in name for name in names for part in _MOVING)
    return moves and not stays
