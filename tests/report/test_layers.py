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


def test_encode_images_limits_records() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    weak = image[..., 0]
    records = [
        dict(area=area, points=[[1.0, 2.0, 1.0]] * 5) for area in range(1500)
    ]
    for number, limited in ((100, False), (1500, True)):
        rounds = {0: records[:number]}
        encoded = encode_images(
            Labelled(image, weak, {0: weak}, None, None, rounds), None
        )
        shown = encoded['records']['round 0']
        least = max(number - 100, 0)
        assert {record['area'] for record in shown} == {*range(least, number)}
        assert ('100 largest' in encoded.get('limit', '')) == limited
