"""Contact sheets: images and label maps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from colorsys import hsv_to_rgb
from pathlib import Path

import cv2
import numpy as np

from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.structures import UNLABELLED

# Share of the label's colour over the image.
_OPACITY = 0.65
# A colour with all channels below this is nearly black (our choice).
_DARK = 64
# Colours that replace black, which is often the background: 24 pale hues.
_BRIGHT = np.array(
    [
        [round(255 * value) for value in hsv_to_rgb(hue / 24, saturation, 1)]
        for saturation in (0.7, 0.4)
        for hue in range(24)
    ]
)


def paint_label(
    image: np.ndarray, label: np.ndarray, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Paints a label over its image.

    Args:
        image: (H, W, 3) uint8 in RGB.
        label: (H, W) uint8 class ids; 255 shows the image in dark grey.
        palette: RGB of each class.

    Returns:
        (H, W, 3) uint8 in RGB.

    Example:
        >>> photo = np.full((1, 2, 3), 100, np.uint8)
        >>> label = np.array([[0, 255]], np.uint8)
        >>> paint_label(photo, label, [[200, 0, 0]])[0].tolist()
        [[165, 35, 35], [50, 50, 50]]
    """
    colours = np.zeros((256, 3))
    colours[: len(palette)] = palette
    result = np.empty(image.shape, np.uint8)
    # Bands: the float64 of a whole image take 20 times its memory.
    for rows in row_bands(label.shape):
        ids, photo = label[rows], image[rows]
        painted = _OPACITY * colours[ids] + (1 - _OPACITY) * photo
        grey = 0.5 * photo.mean(axis=2, keepdims=True)
        result[rows] = np.where((ids == UNLABELLED)[..., None], grey, painted)
    return result


def paint_labels(
    image: np.ndarray,
    labels: dict[str, np.ndarray],
    palette: Sequence[Sequence[int]],
    side: int,
) -> dict[str, np.ndarray]:
    """Reduces an image, and paints labels over it.

    Args:
        image: (H, W, 3) uint8 in RGB.
        labels: (H, W) uint8 class ids by title, 255 for unlabelled pixels.
        palette: RGB of each class.
        side: largest side of the pictures in pixels.

    Returns:
        (h, w, 3) uint8 by title: first the image, with the title 'image'.
    """
    height, width = image.shape[:2]
    shape = reduced_size(width, height, side)
    small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    pictures = {'image': small}
    for title, label in labels.items():
        pictures[title] = paint_label(
            small, resize_label(label, shape), palette
        )
    return pictures


def choose_palette(
    palette: Sequence[Sequence[int]] | None, num_classes: int
) -> list[list[int]]:
    """Returns a data set's palette, or a default, without nearly black.

    A nearly black class looks like a dark photo, or like unlabelled pixels.
    It gets the bright colour that differs most from the colours of all other
    classes. (An outline or a hatch would keep the black, but hide thin
    scribbles, and cover the photo where the class is the background.)

    Args:
        palette: RGB of each class; None or empty for the default.
        num_classes: number of colours to return.

    Returns:
        RGB of each class.

    Example:
        >>> choose_palette([[0, 0, 0], [128, 0, 0]], 2)
        [[77, 255, 255], [128, 0, 0]]
    """
    if palette is None or not len(palette):
        # Its import takes a second, also for hooks that draw nothing.
        from matplotlib import colormaps

        colours = colormaps['turbo'].resampled(num_classes)(range(num_classes))
        palette = (255 * colours[:, :3]).round()
    # Classes beyond the end of a palette are black as well.
    table = np.zeros((num_classes, 3), int)
    table[: len(palette)] = palette[:num_classes]
    for dark in np.flatnonzero(table.max(axis=1) < _DARK):
        # argmax takes the first of equal distances: the same in each run.
        others = table[table.max(axis=1) >= _DARK]
        distances = np.abs(_BRIGHT[:, None] - others).sum(axis=2)
        table[dark] = _BRIGHT[distances.min(axis=1, initial=765).argmax()]
    return table.tolist()


def reduced_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Returns width and height, reduced so that both are at most `side`."""
    scale = min(side / max(width, height), 1)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def resize_label(label: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resizes a label and keeps thin scribbles.

    Args:
        label: (H, W) uint8 class ids, 255 for unlabelled pixels.
        shape: width and height of the result.

    Returns:
        (height, width) uint8.
    """
    small = cv2.resize(label, shape, interpolation=cv2.INTER_NEAREST)
    labelled = label != UNLABELLED
    # In a sparse label a pixel shows any labelled pixel of its block.
    if np.count_nonzero(labelled) < 0.3 * label.size:
        rows, cols = np.nonzero(labelled)
        height, width = label.shape
        block = rows * shape[1] // height, cols * shape[0] // width
        small[block] = label[rows, cols]
    return small


def join_strip(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Joins pictures side by side, each under its title.

    Takes a thousandth of the time of a matplotlib figure.

    Args:
        pictures: (H, W, 3) uint8 of one size, by title in ASCII.

    Returns:
        (H + 22, w, 3) uint8; w is the sum of W, or more where a picture is
        narrower than its title.
    """
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.45
    columns = []
    for title, picture in pictures.items():
        height, width = picture.shape[:2]
        (length, _), _ = cv2.getTextSize(title, font, size, thickness=1)
        shape = (22 + height, max(width, length + 8), 3)
        column = np.full(shape, 255, np.uint8)
        cv2.putText(
            column,
            title,
            org=(4, 15),
            fontFace=font,
            fontScale=size,
            color=(0, 0, 0),
            thickness=1,
            lineType=cv2.LINE_AA,
        )
        column[22:, :width] = picture
        columns.append(column)
    return np.hstack(columns)


def save_sheet(
    path: Path, rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str]
) -> None:
    """Writes pictures as a grid with a title above each column.

    Args:
        path: path of the PNG.
        rows: pictures of each row, (H, W, 3) uint8 in RGB.
        titles: titles of the columns.
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
