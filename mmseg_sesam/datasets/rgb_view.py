"""The RGB view of an image, for segmenters and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.core.image_view import ImageView
from mmseg_sesam.io.names import printable
from mmseg_sesam.validators import Rule, check_option

# Key of the results and of a sample's metainfo.
VIEW = 'rgb_view'


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(isinstance(v, (int, float)) for v in value)
        and value[0] < value[1]
    )


_CHANNELS = Rule(
    lambda value: (
        isinstance(value, Sequence)
        and len(value) in (1, 3)
        and all(isinstance(v, int) and v >= 0 for v in value)
    ),
    'one channel, counted from 0, or three for red, green and blue',
)
_RANGE = Rule(
    lambda value: (
        _is_pair(value)
        or (isinstance(value, Sequence) and all(map(_is_pair, value)))
    ),
    'a pair (black, white) in ascending order, or a pair for each channel',
)
_PERCENTILES = Rule(
    lambda value: _is_pair(value) and value[0] >= 0 and value[1] <= 100,
    'a pair of percentiles from 0 to 100 in ascending order',
)


@TRANSFORMS.register_module()
class LoadRGBView(BaseTransform):
    """Sets how segmenters and pictures show an image of any kind.

    Segmenters and pictures see RGB of 8 bits. Images of other depths, or of
    other numbers of channels, have this step right after the image is loaded.
    It changes nothing of the image: the network gets all of its channels
    with their values. Segmenters, `GatedCRFLoss`, strips, report and tools
    show the same view.

    Required keys: img, img_path. Added keys: rgb_view, an `ImageView`.

    Args:
        channels: channels shown as red, green and blue, counted from 0 as
            the image is loaded; a single one is shown as grey. By default
            (2, 1, 0), as OpenCV loads colours, or (0,) of one channel or
            two.
        value_range: values shown as black and white, one pair, or a pair for
            each of the channels. Set it for images whose values mean the
            same in every file, such as reflectances.
        percentiles: percentiles of each channel of each image that are shown
            as black and white, such as (2, 98). Set it where the range
            differs from file to file. With neither, white is 255.

    Raises:
        ValueError: an option is of another kind, or both ranges are given.

    Example:
        >>> load = LoadRGBView(channels=(3, 2, 1), value_range=(0, 10000))
        >>> image = np.zeros((2, 3, 4), np.float32)
        >>> load(dict(img=image, img_path='a.tif'))['rgb_view'].channels
        (3, 2, 1)
    """

    def __init__(
        self,
        channels: Sequence[int] | None = None,
        value_range: Sequence | None = None,
        percentiles: Sequence[float] | None = None,
    ) -> None:
        owner = type(self).__name__
        check_option(owner, 'channels', channels, _CHANNELS.or_none())
        check_option(owner, 'value_range', value_range, _RANGE.or_none())
        check_option(owner, 'percentiles', percentiles, _PERCENTILES.or_none())
        if value_range is not None and percentiles is not None:
            raise ValueError(
                f'{owner} got value_range and percentiles, expected one of '
                'them; remove the other.'
            )
        self.channels = channels
        self.value_range = value_range
        self.percentiles = percentiles
        if channels is not None:
            self._check_pairs(channels)

    def transform(self, results: dict) -> dict:
        """Adds the view.

        Raises:
            ValueError: the image lacks a channel, or the number of its
                channels is not that of the pairs in `value_range`.
        """
        image = results['img']
        image = image.reshape(*image.shape[:2], -1)
        number = image.shape[2]
        channels = self.channels
        if channels is None:
            channels = (2, 1, 0) if number > 2 else (0,)
            self._check_pairs(channels, f' for {results["img_path"]}')
        if max(channels) >= number:
            raise ValueError(
                f'{printable(results["img_path"])} is loaded with {number} '
                f'channels, expected more than {max(channels)} for '
                f'LoadRGBView(channels={tuple(channels)}); correct channels, '
                'or load all bands of the file.'
            )
        value_range = self.value_range
        if value_range is None and self.percentiles is None:
            value_range = (0, 255)
        results[VIEW] = ImageView.of(
            image, channels, value_range, self.percentiles
        )
        return results

    def _check_pairs(self, channels: Sequence[int], place: str = '') -> None:
        """Raises if `value_range` has pairs for other numbers of channels."""
        ranges = self.value_range
        if ranges is None or _is_pair(ranges) or len(ranges) == len(channels):
            return
        raise ValueError(
            f'{type(self).__name__} got {len(ranges)} pairs of value_range'
            f'{printable(place)}, expected a single pair, or one for each of '
            f'channels={tuple(channels)}; correct value_range or channels.'
        )


def rgb_view(inputs: Tensor, sample: SegDataSample) -> np.ndarray:
    """Returns a packed image as (H, W, 3) uint8 in RGB.

    The view is that of `LoadRGBView`. Without this step, a grey image gets
    three equal channels, as OpenCV reads grey files in colour.

    Args:
        inputs: (C, H, W) image; without `LoadRGBView` (1, H, W) grey or
            (3, H, W) BGR, uint8, or float with values of 8 bits, as
            `LoadImageFromFile(to_float32=True)` gives.
        sample: sample with the path of the image, for the error, and the
            view.

    Raises:
        ValueError: the image has other channels or values and no view.
    """
    image = inputs.permute(1, 2, 0).numpy()
    view = sample.get(VIEW)
    if view is not None:
        return view(image)
    path = printable(sample.img_path)
    if image.shape[2] not in (1, 3):
        raise ValueError(
            f'{path} is loaded with {image.shape[2]} channels, '
            'expected 1 or 3, since segmenters see RGB; put LoadRGBView '
            'after the step that loads the image, with the channels to '
            "show, or load it with color_type='color' or 'grayscale'."
        )
    if image.dtype != np.uint8 and not _holds_bytes(image):
        raise ValueError(
            f'{path} is loaded as {image.dtype} with values from '
            f'{image.min():g} to {image.max():g}, expected whole numbers '
            'from 0 to 255, since segmenters see 8 bits; put LoadRGBView '
            'after the step that loads the image, with value_range or '
            'percentiles.'
        )
    # A pipeline loads BGR, as OpenCV does.
    view = image[..., ::-1] if image.shape[2] == 3 else image.repeat(3, axis=2)
    return np.ascontiguousarray(view, np.uint8)


def load_view(path: str, steps: Sequence[dict]) -> np.ndarray:
    """Loads an image as segmenters see it, (H, W, 3) uint8 in RGB.

    Args:
        path: path of the image.
        steps: configs of the steps up to `LoadRGBView`, see `view_steps`.

    Raises:
        ValueError: the image lacks a channel. Loaders raise any error for
            files that are damaged or of another kind.
    """
    results = dict(img_path=path)
    for step in steps:
        results = TRANSFORMS.build(dict(step))(results)
    image = results['img']
    return results[VIEW](image.reshape(*image.shape[:2], -1))


def _holds_bytes(image: np.ndarray) -> bool:
    """Returns whether all values are whole numbers from 0 to 255."""
    for rows in row_bands(image.shape):
        part = image[rows]
        # NaN is outside too.
        if not ((part >= 0) & (part <= 255) & (part == np.floor(part))).all():
            return False
    return True
