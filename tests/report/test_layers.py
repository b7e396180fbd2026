"""Images and label maps as the page holds them."""

from __future__ import annotations

import base64
import zlib

import numpy as np

from mmseg_sesam.report.images import Labelled
from mmseg_sesam.report.layers import encode_images


def test_encode_images_keeps_thin_scribbles() -> None:
    weak = np.full((1030, 1500), 255, np.uint8)
    weak[:, 701] = 3
    image = np.zeros((*weak.shape, 3), np.uint8)
    encoded = encode_images(
        Labelled(image, weak, {}, None, None, {}), prediction=None
    )

    width, height = encoded['shape']
    data = zlib.decompress(base64.b64decode(encoded['layers'][0]['data']))
    label = np.frombuffer(data, np.uint8).reshape(height, width)
    assert (width, height) == (512, 352)
    assert ((label == 3).sum(axis=1) == 1).all()
