"""Pictures of suggested images."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mmseg_sesam.visualization.sheet import join_strip, paint_labels

# Pixels of the longer side of each picture (our choice).
_SIDE = 320
_FRAME = (255, 0, 255)


def draw_strip(
    image: np.ndarray,
    maps: dict[str, np.ndarray],
    palette: Sequence[Sequence[int]],
    boxes: Sequence[tuple[int, int, int, int]],
) -> np.ndarray:
    """Draws an image with its regions framed, and label maps beside it.

    Args:
        image: (H, W, 3) uint8 in RGB.
        maps: (H, W) uint8 class ids by title, 255 for unlabelled pixels.
        palette: RGB of each class.
        boxes: (x0, y0, x1, y1), half open, framed in the image, with numbers
            from 1 on.

    Returns:
        (h, w, 3) uint8 in RGB.
    """
    pictures = paint_labels(image, maps, palette, _SIDE)
    framed = pictures['image']
    scale = max(framed.shape[:2]) / max(image.shape[:2])
    for number, box in enumerate(boxes, 1):
        x0, y0, x1, y1 = (round(side * scale) for side in box)
        corner = max(x1 - 1, x0), max(y1 - 1, y0)
        cv2.rectangle(framed, (x0, y0), corner, _FRAME, 1)
        place = x0 + 2, min(y0 + 12, len(framed) - 1)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(framed, str(number), place, font, 0.4, _FRAME, 1)
    return join_strip(pictures)
