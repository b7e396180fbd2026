"""The RGB view of an image."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample

from mmseg_sesam.core.image_view import ImageView
from mmseg_sesam.datasets import LoadRGBView, PackSeSAMInputs
from mmseg_sesam.datasets.rgb_view import rgb_view

BGR = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14


def view(image: np.ndarray, path: str = 'town/a.png') -> np.ndarray:
    sample = SegDataSample(metainfo=dict(img_path=path))
    return rgb_view(torch.from_numpy(image).permute(2, 0, 1), sample)


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


BANDS = np.arange(4 * 5 * 4, dtype=np.float32).reshape(4, 5, 4) * 100


def pack(image: np.ndarray, **options) -> np.ndarray:
    """Returns the view of an image as a pipeline packs it."""
    results = LoadRGBView(**options)(dict(img=image, img_path='town/a.tif'))
    packed = PackSeSAMInputs()(results)
    np.testing.assert_array_equal(
        packed['inputs'].numpy(),
        image.reshape(*image.shape[:2], -1).transpose(2, 0, 1),
    )
    return rgb_view(packed['inputs'], packed['data_samples'])


def test_load_rgb_view_of_bands_in_a_given_range() -> None:
    seen = pack(BANDS, channels=(3, 0, 1), value_range=(1000, 5000))
    expected = ((BANDS[..., [3, 0, 1]] - 1000) / 4000).clip(0, 1) * 255
    assert seen.dtype == np.uint8
    np.testing.assert_array_equal(seen, expected.round())


def test_load_rgb_view_has_a_range_for_each_channel() -> None:
    ranges = [(0, 1000), (0, 8000), (500, 600)]
    seen = pack(BANDS, channels=(0, 0, 2), value_range=ranges)
    for place, (channel, pair) in enumerate(zip((0, 0, 2), ranges)):
        alone = pack(BANDS, channels=(channel,), value_range=pair)
        np.testing.assert_array_equal(alone, seen[..., [place] * 3])


def test_load_rgb_view_by_percentiles_leaves_out_undefined_values() -> None:
    image = BANDS.copy()
    image[0, 0] = np.nan
    image[0, 1] = -np.inf
    seen = pack(image, channels=(0, 1, 2), percentiles=(0, 100))
    low, high = image[0, 2, :3], image[-1, -1, :3]
    expected = ((image[..., :3] - low) / (high - low))[1:] * 255
    np.testing.assert_array_equal(seen[1:], expected.round())
    assert (seen[0, :2] == 0).all()


@pytest.mark.parametrize('shape', [(4, 5), (4, 5, 2)])
def test_load_rgb_view_of_few_channels_is_grey(shape) -> None:
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    seen = pack(image)
    first = image.reshape(4, 5, -1)[..., 0]
    np.testing.assert_array_equal(seen, np.stack([first] * 3, axis=2))


def test_load_rgb_view_has_a_pair_for_each_channel_of_an_image() -> None:
    grey = BANDS[..., :1]
    shown = pack(grey, value_range=[(0, 4000)])
    np.testing.assert_array_equal(shown, pack(grey, value_range=(0, 4000)))
    pairs = [(0, 1000), (0, 4000), (0, 9000)]
    colours = pack(BANDS, value_range=pairs)
    ordered = pack(BANDS, channels=(2, 1, 0), value_range=pairs)
    np.testing.assert_array_equal(colours, ordered)


@pytest.mark.parametrize(('bands', 'pairs'), [(1, 3), (2, 3), (4, 1), (4, 2)])
def test_load_rgb_view_rejects_pairs_for_other_channels(
    bands: int, pairs: int
) -> None:
    with pytest.raises(ValueError, match=f'{pairs} pairs .* town/a.tif, exp'):
        pack(BANDS[..., :bands], value_range=[(0, 1)] * pairs)


def test_load_rgb_view_of_colours_is_that_without_it() -> None:
    rgba = np.concatenate([BGR, BGR[..., :1]], axis=2)
    np.testing.assert_array_equal(pack(rgba), view(BGR))


def test_image_view_of_one_value_is_black() -> None:
    image = np.full((2, 3, 1), 700, np.uint16)
    shown = ImageView.of(image, (0,), percentiles=(2, 98))(image)
    assert shown.shape == (2, 3, 3) and not shown.any()


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(channels=(0, 1)), 'got channels='),
        (dict(channels=(0, 1, -1)), 'got channels='),
        (dict(value_range=(5, 5)), 'got value_range='),
        (
            dict(channels=(0, 1, 2), value_range=[(0, 1)]),
            'got 1 pairs of value_range',
        ),
        (dict(percentiles=(2, 101)), 'got percentiles='),
        (
            dict(percentiles=(2, 98), value_range=(0, 1)),
            'got value_range and percentiles',
        ),
    ],
)
def test_load_rgb_view_rejects(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f'LoadRGBView {said}'):
        LoadRGBView(**options)


def test_load_rgb_view_names_the_file_that_lacks_a_channel() -> None:
    with pytest.raises(ValueError, match='a.tif is loaded with 4 channels'):
        pack(BANDS, channels=(4, 1, 0))
