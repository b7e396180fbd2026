"""Contact sheets: images and label maps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

# Share of the label's colour over the image.
_OPACITY = 0.65


def paint_label(
    image: np.ndarray,
    label: np.ndarray,
    palette: Sequence[Sequence[int]],
    ignore_index: int = 255,
) -> np.ndarray:
    """Paints a label over its image.

    Args:
        image: (H, W, 3) uint8 in RGB.
        label: (H, W) uint8 class ids.
        palette: RGB of each class.
        ignore_index: its pixels show the image, in grey and darker.

    Returns:
        (H, W, 3) uint8 in RGB.
    """
    colours = np.zeros((256, 3))
    colours[: len(palette)] = palette
    painted = _OPACITY * colours[label] + (1 - _OPACITY) * image
    grey = 0.5 * image.mean(axis=2, keepdims=True)
    unlabelled = (label == ignore_index)[..., None]
    return np.where(unlabelled, grey, painted).astype(np.uint8)


def save_sheet(
    path: Path, rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str]
) -> None:
    """Writes pictures as a grid with a title above each column.

    Args:
        path: of the PNG.
        rows: of each row its pictures, (H, W, 3) uint8 in RGB.
        titles: of the columns.
    """
    height, width = rows[0][0].shape[:2]
    columns = len(titles)
    size = (2.6 * columns, 2.6 * len(rows) * height / width + 0.4)
    figure = Figure(figsize=size, layout='constrained')
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, pictures in zip(axes, rows):
        for axis, picture in zip(row, pictures):
            axis.imshow(picture)
            axis.set_axis_off()
    for axis, title in zip(axes[0], titles):
        axis.set_title(title, fontsize=10)
    figure.savefig(path, dpi=100)
