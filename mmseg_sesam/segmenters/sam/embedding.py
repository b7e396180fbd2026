"""What SAM's image encoder makes of an image."""

from __future__ import annotations

from typing import TypedDict

import torch


class SAMEmbedding(TypedDict):
    """An encoded image; tensors and numbers alone, so that it can be saved.

    Attributes:
        features: (1, 256, 64, 64) float, from the image encoder.
        interm: (1, 64, 64, C) float, the early features that SAM-HQ's
            decoder takes besides; None for other models.
        image_size: (H, W) of the image.
        input_size: (H, W) of the image as resized for the encoder, before
            it is padded to a square.
    """

    features: torch.Tensor
    interm: torch.Tensor | None
    image_size: tuple[int, int]
    input_size: tuple[int, int]
