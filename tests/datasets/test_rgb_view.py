"""The RGB view of an image."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from mmseg_sesam.datasets.rgb_view import rgb_view

BGR = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14


def view(image: np.ndarray, path: str = 'town/a.png') -> np.ndarray:
    return rgb_view(torch.from_numpy(image).permute(2, 0, 1), path)


@pytest.mark.parametrize(
    'dtype', [np.uint8, np.float32], ids=['uint8', 'float32']
)
def test_rgb_view_of_colours_and_greys(dtype) -> None:
    seen = view(BGR.astype(dtype))
    assert seen.dtype == np.uint8
    np.testing.assert_array_equal(seen, BGR[..., ::-1])
    grey = view(BGR[..., :1].astype(dtype))
    assert grey.dtype == np.uint8
    np.testing.assert_array_equal(grey, BGR[..., :1].repeat(3, axis=2))


@pytest.mark.parametrize('value', [np.nan, np.inf, -1, 255.5, 256, 0.25])
def test_rgb_view_refuses_other_values(value: float) -> None:
    image = BGR.astype(np.float32)
    image[0, 0, 0] = value
    with pytest.raises(ValueError, match='town/a.png is loaded as float32'):
        view(image)


@pytest.mark.parametrize('channels', [2, 4, 13])
def test_rgb_view_refuses_other_channels(channels: int) -> None:
    image = np.zeros((2, 3, channels), np.uint8)
    path = os.fsdecode(b'caf\xe9.png')
    with pytest.raises(ValueError, match=r'caf\\udce9.png is loaded with'):
        view(image, path)
