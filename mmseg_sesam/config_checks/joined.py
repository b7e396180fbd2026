"""Checks that joined data sets have the same classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmseg.registry import DATASETS

from mmseg_sesam.config_checks.training import Training
from mmseg_sesam.config_checks.values import describe_difference
from mmseg_sesam.datasets.pipeline_configs import (
    classes_of,
    leaf_datasets,
    metainfo_of,
    wrapped_datasets,
)
from mmseg_sesam.type_names import lineage, option_of, type_names

_READING = ('label_map', 'reduce_zero_label')


def check_joined(training: Training) -> None:
    """Raises if joined data sets differ in classes, by which ids are named.

    `ConcatDataset` refuses them too, later and without the names.
    """
    for joined in _iterate_joined(training.dataset):
        leaves = [leaf for leaf in leaf_datasets(joined) if 'type' in leaf]
        named = [list(classes_of(leaf) or ()) for leaf in leaves]
        for place, classes in enumerate(named):
            _check_same_classes(place, named[0], classes)
        kinds = [type(classes_of(leaf)).__name__ for leaf in leaves]
        if len(set(kinds)) > 1 and 'classes' not in _ignored(joined):
            raise ValueError(
                'ConcatDataset joins training data sets whose classes are '
                f'of the types {", ".join(kinds)}, which it compares; write '
                'metainfo.classes of all as a tuple, as in data sets of mmseg.'
            )
        _check_palettes(joined, leaves)
        for key, values in zip(_READING, zip(*map(_reading, leaves))):
            if key not in _ignored(joined) and len(set(values)) > 1:
                raise ValueError(
                    'ConcatDataset joins training data sets that differ in '
                    f'{key}, which it compares; set ignore_keys='
                    f'{list(_READING)} of it, since each data set converts '
                    'its own ids.'
                )


def _iterate_joined(dataset: dict) -> Iterator[dict]:
    """Yields the configs of ConcatDataset, at any depth."""
    if 'datasets' in dataset and 'ConcatDataset' in type_names(
        dataset, DATASETS
    ):
        yield dataset
    for part in wrapped_datasets(dataset):
        yield from _iterate_joined(part)


def _ignored(joined: dict) -> list[str]:
    """Returns the keys that a ConcatDataset does not compare."""
    keys = joined.get('ignore_keys') or []
    return [keys] if isinstance(keys, str) else list(keys)


def _check_same_classes(
    place: int, first: list[str], classes: list[str]
) -> None:
    """Raises if a data set has other classes, or in another order."""
    if classes == first:
        return
    raise ValueError(
        f'Training data set {place} of ConcatDataset has other classes than '
        f'data set 0: {describe_difference(first, classes)}, expected '
        f'{first}; set metainfo.classes to '
        'the same list in all, and where ids in files have other names or '
        'another order, type=MappedSegDataset with file_classes.'
    )


def _check_palettes(joined: dict, leaves: list[dict]) -> None:
    """Raises if data sets differ in palette, which only shows classes."""
    if 'palette' in _ignored(joined):
        return
    palettes = [_palette(leaf) for leaf in leaves]
    for place, palette in enumerate(palettes):
        first = palettes[0]
        if None not in (first, palette) and palette != first:
            raise ValueError(
                f'Training data set {place} of ConcatDataset has the palette '
                f'{palette}, expected {first}, that of data set 0, which it '
                'compares; set metainfo.palette to the same list in all, or '
                "ignore_keys='palette' of ConcatDataset."
            )


def _palette(leaf: dict) -> list | None:
    """Returns the palette, None if mmseg changes it to suit the classes."""
    metainfo = metainfo_of(leaf)
    palette, classes = (metainfo.get(n, ()) for n in ('palette', 'classes'))
    return palette if len(palette) in (0, len(classes)) else None


def _reading(leaf: dict) -> tuple[Any, bool]:
    """Returns what decides how a data set reads ids, by its config."""
    (kind, *_) = lineage(leaf, DATASETS) or (object,)
    known = getattr(kind, 'METAINFO', {}).get('classes')
    in_files = leaf.get('file_classes') or known
    mapped = in_files and (
        'file_classes' in leaf
        or list(in_files) != list(classes_of(leaf) or ())
    )
    reduces = bool(option_of(leaf, DATASETS, 'reduce_zero_label'))
    return tuple(in_files) if mapped else None, reduces
