"""Images as regularizers see them."""

from __future__ import annotations

import mmseg
import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample

from mmseg_sesam.core.image_view import ImageView
from mmseg_sesam.models import SeSAMDataPreProcessor
from mmseg_sesam.models.colours import colours_of

any_mean = pytest.mark.skipif(
    not mmseg.__version__.startswith('1.2.'),
    reason='onedl-mmengine takes no mean of four channels',
)


@pytest.mark.parametrize(
    ('number', 'channels', 'swaps'),
    [
        pytest.param(4, (3, 0, 1), True, marks=any_mean),
        (3, (2, 0, 1), True),
        (3, (2, 0, 1), False),
    ],
)
def test_colours_of_a_view_are_those_of_the_segmenter(
    number: int, channels: tuple[int, ...], swaps: bool
) -> None:
    torch.manual_seed(0)
    images = torch.randint(0, 4000, (2, number, 6, 8)).float()
    views = [
        ImageView.of(image.permute(1, 2, 0).numpy(), channels, pair)
        for image, pair in zip(images, [(0, 3000), (500, 4000)])
    ]
    samples = [SegDataSample(metainfo=dict(rgb_view=v)) for v in views]
    preprocessor = SeSAMDataPreProcessor(
        mean=[100.0 * i for i in range(number)],
        std=[50.0 + i for i in range(number)],
        bgr_to_rgb=swaps,
    )
    batch = preprocessor(dict(inputs=list(images), data_samples=samples))

    colours = colours_of(batch['inputs'], samples, preprocessor)

    for view, image, found in zip(views, images, colours):
        shown = view(image.permute(1, 2, 0).numpy()).transpose(2, 0, 1)
        np.testing.assert_allclose(found * 255, shown, atol=0.51)


def test_colours_of_samples_without_a_view_are_all_channels() -> None:
    preprocessor = SeSAMDataPreProcessor(mean=[90.0] * 3, std=[60.0] * 3)
    images = torch.randint(0, 256, (1, 3, 6, 8)).float()
    batch = preprocessor(
        dict(inputs=list(images), data_samples=[SegDataSample()])
    )
    colours = colours_of(batch['inputs'], [SegDataSample()], preprocessor)
    steps = images.diff(dim=3) / 255
    torch.testing.assert_close(colours.diff(dim=3), steps)


@pytest.mark.parametrize(
    ('number', 'shown'), [(1, 3), pytest.param(4, 4, marks=any_mean)]
)
def test_colours_of_samples_without_a_view_keep_channels(
    number: int, shown: int
) -> None:
    preprocessor = SeSAMDataPreProcessor(
        mean=[90.0] * number, std=[60.0] * number
    )
    colours = colours_of(
        torch.zeros(2, number, 6, 8), 2 * [SegDataSample()], preprocessor
    )
    assert colours.shape == (2, shown, 6, 8)
