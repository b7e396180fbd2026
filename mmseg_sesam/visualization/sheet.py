"""Contact sheets: images and label maps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

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


def choose_palette(
    palette: Sequence[Sequence[int]] | None, num_classes: int
) -> list[list[int]]:
    """Takes the palette of a data set, or one of our own.

    Args:
        palette: RGB of each class, None or empty where there is none.
        num_classes: how many colours are needed.

    Returns:
        RGB of each class.
    """
    if palette:
        return [list(map(int, colour)) for colour in palette]
    # matplotlib takes a second, which hooks that draw nothing do without.
    from matplotlib import colormaps

    colours = colormaps['turbo'].resampled(num_classes)(range(num_classes))
    return (255 * colours[:, :3]).round().astype(int).tolist()


def resize_label(label: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resizes a label, and keeps thin scribbles.

    Args:
        label: (H, W) uint8 class ids, 255 where nothing is labelled.
        shape: width and height of the result.

    Returns:
        (height, width) uint8.
    """
    small = cv2.resize(label, shape, interpolation=cv2.INTER_NEAREST)
    rows, cols = np.nonzero(label != 255)
    # Where little is labelled, a pixel shows what is labelled of its block.
    if len(rows) < 0.3 * label.size:
        height, width = label.shape
        small[rows * shape[1] // height, cols * shape[0] // width] = label[
            rows, cols
        ]
    return small


def join_strip(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Joins pictures side by side, each under its title.

    Drawn pixel by pixel, which takes a thousandth of a figure's time.

    Args:
        pictures: by title, in ASCII, (H, W, 3) uint8 of one size.

    Returns:
        (H + 22, sum of W, 3) uint8.
    """
    columns = []
    for title, picture in pictures.items():
        head = np.full((22, picture.shape[1], 3), 255, np.uint8)
        cv2.putText(
            *(head, title, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45),
            *((0, 0, 0), 1, cv2.LINE_AA),
        )
        columns.append(np.vstack([head, picture]))
    return np.hstack(columns)


def save_sheet(
    path: Path, rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str]
) -> None:
    """Writes pictures as a grid with a title above each column.

    Args:
        path: of the PNG.
        rows: of each row its pictures, (H, W, 3) uint8 in RGB.
        titles: of the columns.
    """
    from matplotlib.figure import Figure

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
