"""Predictions of images of any size in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

import torch
from mmseg.models import EncoderDecoder
from torch import Tensor, nn
from torch.nn import functional

from mmseg_sesam.validators import count

# Values of the scores that are enlarged at once; bounds the memory.
_VALUES = 1 << 25


@torch.no_grad()
def score_bands(
    model: EncoderDecoder,
    preprocessor: nn.Module,
    batch: Mapping[str, Any],
    tile: int | None = None,
) -> Iterator[tuple[slice, Tensor]]:
    """Yields class scores of an image at the size of its file.

    They are the logits from which mmseg's `predict` makes its result, unless
    `tile` cuts the image. mmseg holds those of the whole image; here those of
    one row of windows are in memory.

    Args:
        model: in evaluation mode; its `test_cfg` says whether it slides.
        preprocessor: data preprocessor of the model.
        batch: 'inputs', a list of one (C, H, W) image, and 'data_samples', a
            list of its sample.
        tile: largest side that a model that does not slide predicts as a
            whole; larger images are predicted in tiles of this side that
            overlap by a third. None predicts all as a whole.

    Yields:
        Rows, and their (K, h, W) scores, from top to bottom.
    """
    strip, size, meta = _read_strips(preprocessor, batch)
    # Left, right, above and below, as mmseg takes them off again.
    padding = meta.get('img_padding_size', meta.get('padding_size'))
    left, right, above, below = padding or (0, 0, 0, 0)
    height, width = size

    def predict(window: Tensor) -> Tensor:
        shape = window.shape[2:]
        # Most heads read the first, and that of Mask2Former the second.
        here = dict(meta, img_shape=shape, pad_shape=shape)
        return model.encode_decode(window, [here])[0]

    def without_padding() -> Iterator[Tensor]:
        top = 0
        windows = _windows(model.test_cfg, size, tile)
        for scores in _slide_logits(strip, predict, size, *windows):
            first, last = above - top, height - below - top
            yield scores[:, max(first, 0) : max(last, 0), left : width - right]
            top += scores.shape[1]

    yield from _enlarge(
        without_padding(),
        height - above - below,
        tuple(meta['ori_shape'][:2]),
        model.align_corners,
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


def _read_strips(
    preprocessor: nn.Module, batch: Mapping[str, Any]
) -> tuple[Callable[[slice], Tensor], tuple[int, int], dict[str, Any]]:
    """Returns a function from rows to the network's input, its size and meta.

    Rows are preprocessed when they are needed, since a float image takes
    four times the memory. Padding depends on the size of the whole image.
    """
    if getattr(preprocessor, 'test_cfg', True):
        whole = preprocessor(batch, False)
        inputs = whole['inputs']
        meta = whole['data_samples'][0].metainfo
        return lambda rows: inputs[..., rows, :], inputs.shape[2:], meta
    image, samples = batch['inputs'][0], batch['data_samples']

    def strip(rows: slice) -> Tensor:
        part = dict(inputs=[image[:, rows]], data_samples=samples)
        return preprocessor(part, False)['inputs']

    return strip, image.shape[1:], samples[0].metainfo


def _windows(
    test_cfg: Mapping[str, Any], size: tuple[int, int], tile: int | None
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns height and width of the windows, and of their strides."""
    if test_cfg.get('mode', 'whole') == 'slide':
        return test_cfg['crop_size'], test_cfg['stride']
    if tile is not None and max(size) > tile:
        stride = max(tile * 2 // 3, 1)
        return (tile, tile), (stride, stride)
    return size, size


def _slide_logits(
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
    if len(bands) == len(places) == 1:
        yield predict(strip(bands[0]))
        return
    ends = [*(rows.start for rows in bands[1:]), height]
    first, summed, counts = 0, None, None
    for rows, following in zip(bands, ends):
        inputs = strip(rows)
        for place in places:
            logits = predict(inputs[..., place])
            if place is places[0]:
                zeros = logits.new_zeros(
                    (len(logits), rows.stop - first, width)
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


def _enlarge(
    rows: Iterator[Tensor],
    source: int,
    shape: tuple[int, int],
    align_corners: bool,
) -> Iterator[tuple[slice, Tensor]]:
    """Yields rows of the image file, and their scores.

    It resizes as `torch.nn.functional.interpolate` does, by rows.

    Args:
        rows: (C, n, W) scores of consecutive rows.
        source: number of all these rows.
        shape: height and width of the image file.
        align_corners: option of the model.
    """
    height, width = shape
    places = _source_rows(source, height, align_corners)
    low = places.floor().long().clamp(max=source - 1)
    high = (low + 1).clamp(max=source - 1)
    share = (places - low).float()
    kept, first, done = None, 0, 0
    for band in rows:
        kept = band if kept is None else torch.cat([kept, band], 1)
        ready = int((high < first + kept.shape[1]).sum())
        step = max(_VALUES // (len(kept) * max(width, kept.shape[2])), 1)
        for top in range(done, ready, step):
            part = slice(top, min(top + step, ready))
            weight = share[part].to(kept.device)[:, None]
            above = kept[:, (low[part] - first).to(kept.device)]
            below = kept[:, (high[part] - first).to(kept.device)]
            scores = torch.lerp(above, below, weight.to(above.dtype))
            if scores.shape[2] != width:
                scores = functional.interpolate(
                    scores[None],
                    size=(scores.shape[1], width),
                    mode='bilinear',
                    align_corners=align_corners,
                )[0]
            yield slice(top, part.stop), scores
        done = ready
        if done < height:
            # The next row of the file may lie below all rows that are there.
            past = min(int(low[done]) - first, kept.shape[1])
            kept, first = kept[:, past:], first + past


def _source_rows(source: int, target: int, align_corners: bool) -> Tensor:
    """Returns the place of each row of a resized image in the source."""
    rows = torch.arange(target, dtype=torch.float64)
    if align_corners:
        return rows * (source - 1) / max(target - 1, 1)
    return ((rows + 0.5) * source / target - 0.5).clamp(min=0)


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
