"""Predictions of large images in bands of rows, by windows that slide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

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
    (height, width), crop = image.shape[1:], segmentor.test_cfg.crop_size
    tops, lefts = (
        _starts(size, *sides)
        for size, sides in zip(
            (height, width), zip(crop, segmentor.test_cfg.stride)
        )
    )
    first, summed, counts = 0, None, None
    for top, following in zip(tops, [*tops[1:], height]):
        bottom = min(top + crop[0], height)
        with torch.no_grad():
            batch = dict(inputs=[image[:, top:bottom]], data_samples=[sample])
            strip = model.data_preprocessor(batch, False)['inputs']
            shape = segmentor.out_channels, bottom - first, width
            summed = _lengthen(summed, strip.new_zeros(shape))
            counts = _lengthen(counts, strip.new_zeros(shape)[:1])
            for left in lefts:
                window = strip[..., left : left + crop[1]]
                meta = dict(sample.metainfo, img_shape=window.shape[2:])
                logits = segmentor.encode_decode(window, [meta])[0]
                place = (
                    slice(None),
                    slice(top - first, bottom - first),
                    slice(left, left + crop[1]),
                )
                summed[place] += logits
                counts[place] += 1
            done = following - first
            logits = summed[:, :done] / counts[:, :done]
            probability = model.to_probability(logits[None], [sample])[0]
            # Copied, so that the rows above are freed.
            summed, counts = summed[:, done:].clone(), counts[:, done:].clone()
        yield slice(first, following), probability
        first = following


def _starts(size: int, crop: int, stride: int) -> list[int]:
    """Returns where mmseg's windows begin along one side."""
    number = max(size - crop + stride - 1, 0) // stride + 1
    return [max(min(i * stride + crop, size) - crop, 0) for i in range(number)]


def _lengthen(known: Tensor | None, zeros: Tensor) -> Tensor:
    """Returns zeros whose first rows are the known ones."""
    if known is not None:
        zeros[:, : known.shape[1]] = known
    return zeros
