"""The RGB view of an image, for segmenters and pictures."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from mmseg_sesam.io.names import printable


def rgb_view(inputs: Tensor, path: str) -> np.ndarray:
    """Returns a packed image as (H, W, 3) uint8 in RGB.

    A grey image gets three equal channels, as OpenCV reads grey files in
    colour.

    Args:
        inputs: (1, H, W) grey or (3, H, W) BGR image, uint8, or float with
            values of 8 bits, as `LoadImageFromFile(to_float32=True)` gives.
        path: path of the image, for the error.

    Raises:
        ValueError: the image has other channels or values.
    """
    image = inputs.permute(1, 2, 0).numpy()
    if image.shape[2] not in (1, 3):
        raise ValueError(
            f'{printable(path)} is loaded with {image.shape[2]} channels, '
            'expected 1 or 3, since segmenters see RGB; load it with '
            "color_type='color' or 'grayscale' of LoadImageFromFile, or "
            'save its bands as an RGB image.'
        )
    # NaN is outside too.
    inside = ((image >= 0) & (image <= 255)).all()
    view = image.astype(np.uint8) if inside else None
    if view is None or (view != image).any():
        raise ValueError(
            f'{printable(path)} is loaded as {image.dtype} with values from '
            f'{image.min():g} to {image.max():g}, expected whole numbers '
            'from 0 to 255, since segmenters see 8 bits; scale the images '
            'to 8 bits in their files.'
        )
    # A pipeline loads BGR, as OpenCV does.
    view = view[..., ::-1] if view.shape[2] == 3 else view.repeat(3, axis=2)
    return np.ascontiguousarray(view)
