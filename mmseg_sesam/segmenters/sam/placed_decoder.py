"""SAM's prompt encoder and mask decoder, on one device."""

from __future__ import annotations

from typing import Callable

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
from mmseg_sesam.segmenters.sam.decoder import SharedDecoder


class PlacedDecoder:
    """Decodes prompts on the device of its modules, see `batching.Decoder`.

    The modules are SAM's or have its API; `dtype` is an option of
    `NetworkSegmenter`.
    """

    def __init__(
        self, prompt_encoder: nn.Module, mask_decoder: nn.Module, dtype: str
    ) -> None:
        self._prompt_encoder = prompt_encoder
        self._mask_decoder = mask_decoder
        self._dtype = dtype
        self._shared = (
            SharedDecoder(mask_decoder)
            if SharedDecoder.supports(mask_decoder)
            else None
        )

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return device_of(self._prompt_encoder)

    def on_cpu(self) -> PlacedDecoder:
        """Returns a copy on the CPU, in fp32 instead of fp16."""
        encoder, decoder = (
            copy_to_cpu(module)
            for module in (self._prompt_encoder, self._mask_decoder)
        )
        return PlacedDecoder(encoder, decoder, cpu_dtype(self._dtype))

    def geometry(self, embedding: NetworkEmbedding) -> Geometry:
        """Returns the place of an image in the input of the encoder."""
        side = self._prompt_encoder.input_image_size[0]
        return Geometry(embedding['image_size'], embedding['input_size'], side)

    def open(self, embedding: NetworkEmbedding) -> Decode:
        """Returns a function that decodes prompts on an image."""
        decode = self._decoder_of(embedding)
        geometry = self.geometry(embedding)

        def decode_points(points: np.ndarray) -> tuple[Tensor, Tensor]:
            points = torch.as_tensor(
                geometry.resize_points(points),
                dtype=torch.float,
                device=self.device,
            )
            inside = torch.ones_like(points[..., 0], dtype=torch.int)
            sparse, _ = self._prompt_encoder(
                points=(points, inside), boxes=None, masks=None
            )
            with autocast(self._dtype, self.device):
                logits, scores = decode(sparse)
            # A copy, since a view would keep the single-mask output alive.
            logits = logits.to(
                torch.float, copy=True, memory_format=torch.contiguous_format
            )
            return logits, scores

        return decode_points

    def _decoder_of(
        self, embedding: NetworkEmbedding
    ) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """Returns a function from (n, K, C) embeddings to logits, scores."""
        (features,) = embedding['levels']
        features = features.to(self.device, torch.float)
        # Positions in fp32: with the 8 bits of bf16 they would be off by
        # several pixels.
        positions = self._prompt_encoder.get_dense_pe()
        _, dense = self._prompt_encoder(points=None, boxes=None, masks=None)
        shared = self._shared
        if shared is not None:
            with autocast(self._dtype, self.device):
                image = shared.share(features, dense, positions)
            return lambda sparse: shared(image, sparse)
        return lambda sparse: self._mask_decoder(
            image_embeddings=features,
            image_pe=positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense.expand(len(sparse), -1, -1, -1),
            multimask_output=True,
        )
