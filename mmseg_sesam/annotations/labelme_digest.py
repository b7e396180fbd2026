"""Tells LabelMe files that somebody changed from exported ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmseg_sesam.io.json_values import json_digest

# LabelMe keeps entries that it does not know when it saves a file.
DIGEST = 'exported_shapes'


def shapes_digest(shapes: list[dict[str, Any]]) -> str:
    """Returns a digest of the labels and points of shapes, in their order.

    It does not depend on how a tool writes numbers, or on further entries:
    LabelMe writes a file again even if nobody changed a shape.
    """
    content = [
        [shape['label'], (np.round(shape['points'], 2) + 0.0).tolist()]
        for shape in shapes
    ]
    return json_digest(content)


def is_unchanged(record: Any) -> bool:
    """Returns whether the content of a file has the shapes of its export."""
    try:
        return record[DIGEST] == shapes_digest(record['shapes'])
    # Exported by another tool, or damaged, which the reader names.
    except (KeyError, TypeError, ValueError):
        return False
