"""Images as regularizers see them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_sesam.compat import swaps_channels


def colours_of(
    images: Tensor, samples: Sequence[SegDataSample], preprocessor: nn.Module
) -> Tensor:
    """Returns images of a batch as (N, C, H, W) float colours.

    Black and white differ by 1. Samples of `LoadRGBView` show its view in
    RGB, in [0, 1], as segmenters see it; others show the C channels that the
    network sees, a single one repeated to three.

    Args:
        images: (N, C, H, W) float, as the preprocessor returns them.
        samples: their N data samples.
        preprocessor: a `SegDataPreProcessor`, whose division by `std` is
            undone.
    """
    views = [sample.get('rgb_view') for sample in samples]
    std = getattr(preprocessor, 'std', 1)
    if not views or None in views:
        colours = images * std / 255
    else:
        values = images * std + getattr(preprocessor, 'mean', 0)
        if swaps_channels(preprocessor) and values.shape[1] == 3:
            # Views count channels as the image is loaded.
            values = values.flip(1)
        shown = [view.scale(planes) for view, planes in zip(views, values)]
        colours = torch.stack([torch.stack(planes) for planes in shown])
        colours = colours.clamp(0, 1)
    # Grey values differ in all three colours.
    return colours.expand(-1, 3, -1, -1) if colours.shape[1] == 1 else colours
