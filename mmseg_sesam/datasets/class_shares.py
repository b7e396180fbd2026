"""The true class shares of a training set, in the order of its ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmseg.registry import DATASETS

from mmseg_sesam.datasets.file_ids import file_ids
from mmseg_sesam.datasets.pipeline_configs import classes_of, iterate_leaves
from mmseg_sesam.io.class_shares import ClassShares, read_shares
from mmseg_sesam.io.listing import LABEL_SUFFIXES


def shares_of(shares: Any, dataset: dict) -> tuple[ClassShares, list[str]]:
    """Returns the true shares of a training set, and its classes.

    Args:
        shares: option of `ClassSharesHook`. Label files of which shares are
            counted have the ids and the endings of the first data set's.
        dataset: config of the training data set.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: the data set has no classes, or shares do not fit them.
    """
    leaf, _ = next(iterate_leaves(dataset))
    classes = classes_of(leaf)
    if classes is None:
        raise ValueError(
            'ClassSharesHook has shares of classes by their names, and the '
            'training data set has none; set metainfo=dict(classes=...) of '
            'the data set.'
        )
    files = {} if isinstance(shares, Mapping) else _files_of(leaf)
    return read_shares(shares, classes, **files), list(classes)


def _files_of(leaf: dict) -> dict[str, Any]:
    """Returns how `read_shares` reads label files of a data set.

    The data set is built without its files to know how it maps ids.
    """
    built = DATASETS.build(dict(leaf, pipeline=[], lazy_init=True))
    return dict(
        file_ids(built),
        ending=getattr(built, 'seg_map_suffix', LABEL_SUFFIXES),
    )
