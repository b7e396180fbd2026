"""Predictions of large images in bands of rows, by windows that slide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam.validators import count

if TYPE_CHECKING:
    from mmseg_sesam.models.sesam_encoder_decoder import SeSAMEncoderDecoder


def slides(model: SeSAMEncoderDecoder) -> bool:
    """Returns whether a model predicts by windows that do not depend on pads.

    mmseg slides if `test_cfg` has mode='slide'; a preprocessor that pads
    test images would move its windows.
    """
    return (
        model.test_cfg.get('mode', 'whole') == 'slide'
        and not model.data_preprocessor.test_cfg
        and model.out_channels > 1
    )


def check_windows(test_cfg: Mapping[str, Any] | None) -> None:
    """Raises ValueError if windows of a test_cfg would not cover an image.

    mmseg predicts nothing for pixels between windows.
    """
    cfg = test_cfg or {}
    if cfg.get('mode') != 'slide':
        return
    crop, stride = cfg.get('crop_size'), cfg.get('stride')
    if not (_is_size(crop) and _is_size(stride)) or any(
        step > side for side, step in zip(crop, stride)
    ):
        raise ValueError(
            f"test_cfg has mode='slide', crop_size={crop} and "
            f'stride={stride}, expected height and width in pixels for both, '
            'and no stride above its crop_size, which would leave pixels '
            'without a prediction; correct them, such as crop_size=(512, 512) '
            'with stride=(341, 341).'
        )


def slide_probability(
    model: SeSAMEncoderDecoder, image: Tensor, sample: SegDataSample
) -> Iterator[tuple[slice, Tensor]]:
    """Predicts an image at its own size, in bands of rows.

    The probabilities are those of `predict_probability`, which mmseg's
    `slide_inference` makes for the whole image at once. Here the logits of
    one row of windows are in memory.

    Args:
        model: in evaluation mode, with test_cfg mode='slide'.
        image: (C, H, W), as the data loader returns it.
        sample: its data sample.

    Yields:
        Rows, and their (C, h, W) probabilities, from top to bottom.
    """
    segmentor = model.predictor

    def strip(rows: slice) -> Tensor:
        batch = dict(inputs=[image[:, rows]], data_samples=[sample])
        return model.data_preprocessor(batch, False)['inputs']

    def predict(window: Tensor) -> Tensor:
        meta = dict(sample.metainfo, img_shape=window.shape[2:])
        return segmentor.encode_decode(window, [meta])[0]

    crop, stride = segmentor.test_cfg.crop_size, segmentor.test_cfg.stride
    first = 0
    for logits in slide_logits(strip, predict, image.shape[1:], crop, stride):
        with torch.no_grad():
            probability = model.to_probability(logits[None], [sample])[0]
        following = first + logits.shape[1]
        yield slice(first, following), probability
        first = following


def slide_logits(
    strip: Callable[[slice], Tensor],
    predict: Callable[[Tensor], Tensor],
    size: tuple[int, int],
    crop: tuple[int, int],
    stride: tuple[int, int],
) -> Iterator[Tensor]:
    """Predicts windows, and averages them where they overlap, as mmseg does.

    Args:
        strip: returns (1, C, h, W) rows of the network's input.
        predict: returns (K, h, w) logits of a (1, C, h, w) window.
        size: height and width of the input.
        crop: largest height and width of a window.
        stride: rows and columns from one window to the next.

    Yields:
        (K, h, W) logits of consecutive rows, from top to bottom.
    """
    height, width = size
    bands = _spans(height, crop[0], stride[0])
    places = _spans(width, crop[1], stride[1])
    ends = [*(rows.start for rows in bands[1:]), height]
    first, summed, counts = 0, None, None
    for rows, following in zip(bands, ends):
        with torch.no_grad():
            inputs = strip(rows)
            for place in places:
                logits = predict(inputs[..., place])
                if place is places[0]:
                    zeros = logits.new_zeros(
                        len(logits), rows.stop - first, width
                    )
                    summed = _lengthen(summed, zeros)
                    counts = _lengthen(counts, torch.zeros_like(zeros[:1]))
                summed[:, rows.start - first :, place] += logits
                counts[:, rows.start - first :, place] += 1
            done = following - first
            mean = summed[:, :done] / counts[:, :done]
            # Copied, so that the rows above are freed.
            summed, counts = summed[:, done:].clone(), counts[:, done:].clone()
        yield mean
        first = following


def _is_size(value: Any) -> bool:
    """Returns whether a value is a height and a width in pixels."""
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(map(count(1).allows, value))
    )


def _spans(size: int, crop: int, stride: int) -> list[slice]:
    """Returns where mmseg's windows lie along one side."""
    number = max(size - crop + stride - 1, 0) // stride + 1
    stops = [min(i * stride + crop, size) for i in range(number)]
    return [slice(max(stop - crop, 0), stop) for stop in stops]


def _lengthen(known: Tensor | None, zeros: Tensor) -> Tensor:
    """Returns zeros whose first rows are the known ones."""
    if known is not None:
        zeros[:, : known.shape[1]] = known
    return zeros
