"""The ids that the label files of a data set hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmseg_sesam.io.labels import id_table, unnamed_values


def file_ids(
    dataset: Any, reduce_zero_label: bool | None = None
) -> dict[str, np.ndarray]:
    """Returns `table` and `unnamed` of a data set's label files.

    They are what `id_table` and `unnamed_values` return. Only data sets of
    mmseg have all attributes that these need.

    Args:
        dataset: a built data set.
        reduce_zero_label: option of the step that loads labels; None for the
            data set's.
    """
    if reduce_zero_label is None:
        reduce_zero_label = getattr(dataset, 'reduce_zero_label', False)
    label_map = getattr(dataset, 'label_map', None)
    file_classes = getattr(dataset, 'file_classes', None)
    return dict(
        table=id_table(reduce_zero_label, label_map),
        unnamed=unnamed_values(reduce_zero_label, label_map, file_classes),
    )
