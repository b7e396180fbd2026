"""Prompt encoder and mask decoder of a SAM in transformers, on one device."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmseg_sesam.segmenters.batching import Decode, NetworkEmbedding
from mmseg_sesam.segmenters.candidates import Geometry
from mmseg_sesam.segmenters.devices import (
    autocast,
    copy_to_cpu,
    cpu_dtype,
    device_of,
)
from mmseg_sesam.segmenters.transformers_sam.families import Family


class TransformersDecoder:
    """Decodes prompts on the device of a model, see `batching.Decoder`.

    The object score of SAM 2 and 3 is not used: for images it changes no
    mask in their own pipelines either.

    Args:
        model: a model of the family.
        family: classes and form of embeddings.
        dtype: an option of `NetworkSegmenter`.
    """

    def __init__(self, model: nn.Module, family: Family, dtype: str) -> None:
        self._model = model
        self._family = family
        self._dtype = dtype

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return device_of(self._model.mask_decoder)

    def on_cpu(self) -> TransformersDecoder:
        """Returns a copy on the CPU, in fp32 instead of fp16."""
        # Prompts are decoded without the image encoder.
        model = copy_to_cpu(self._model, [self._model.vision_encoder])
        return TransformersDecoder(model, self._family, cpu_dtype(self._dtype))

    def geometry(self, embedding: NetworkEmbedding) -> Geometry:
        """Returns the place of an image in the input of the encoder."""
        return Geometry(
            embedding['image_size'],
            embedding['input_size'],
            self._model.prompt_encoder.input_image_size,
            self._family.padded,
        )

    def open(self, embedding: NetworkEmbedding) -> Decode:
        """Returns a function that decodes prompts on an image."""
        geometry = self.geometry(embedding)
        # Also under autocast: an embedding of the cache gives the same.
        levels = [
            level.to(self.device, torch.float) for level in embedding['levels']
        ]
        image = self._family.join(levels)

        def decode_points(points: np.ndarray) -> tuple[Tensor, Tensor]:
            points = torch.as_tensor(
                geometry.resize_points(points)[None],
                dtype=torch.float,
                device=self.device,
            )
            inside = torch.ones_like(points[..., 0], dtype=torch.int)
            with autocast(self._dtype, self.device):
                output = self._model(
                    input_points=points,
                    input_labels=inside,
                    multimask_output=True,
                    **image,
                )
            # A copy, since a view would keep the single-mask output alive.
            logits = output.pred_masks[0].to(
                torch.float, copy=True, memory_format=torch.contiguous_format
            )
            return logits, output.iou_scores[0]

        return decode_points


def keep_positions_in_fp32(model: nn.Module) -> None:
    """Makes a SAM compute positions in fp32 under autocast.

    With the 8 bits of bf16 they would be off by several pixels. The model is
    changed in place.
    """
    for module in (model.prompt_encoder, model.shared_image_embedding):
        module.forward = partial(_forward_in_fp32, module)


def _forward_in_fp32(module: nn.Module, *args: Any, **options: Any) -> Any:
    with torch.autocast(device_of(module).type, enabled=False):
        return type(module).forward(module, *args, **options)
