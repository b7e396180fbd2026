"""SAM's prompt encoder and mask decoder, on one device."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Callable, TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from mmseg_sesam.segmenters.batching import Decode
from mmseg_sesam.segmenters.candidates import Geometry
from mmseg_sesam.segmenters.sam.decoder import SharedDecoder

DTYPES = dict(fp32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)


class SAMEmbedding(TypedDict):
    """An encoded image.

    Attributes:
        features: (1, 256, 64, 64) float, from the image encoder.
        interm: (1, 64, 64, C) float, early features for SAM-HQ's decoder;
            None for other models.
        image_size: (H, W) of the image.
        input_size: (H, W) of the image resized for the encoder, unpadded.
    """

    features: Tensor
    interm: Tensor | None
    image_size: tuple[int, int]
    input_size: tuple[int, int]


class PlacedDecoder:
    """Decodes prompts on the device of its modules, see `batching.Decoder`.

    The modules are SAM's or have its API; `dtype` is a name in `DTYPES`.
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
        return next(self._prompt_encoder.parameters()).device

    def on_cpu(self) -> PlacedDecoder:
        """Returns a copy on the CPU, in fp32 instead of fp16."""
        encoder, decoder = (
            _copy_to_cpu(module)
            for module in (self._prompt_encoder, self._mask_decoder)
        )
        dtype = 'fp32' if self._dtype == 'fp16' else self._dtype
        return PlacedDecoder(encoder, decoder, dtype)

    def geometry(self, embedding: SAMEmbedding) -> Geometry:
        """Returns the place of an image in the input of the encoder."""
        side = self._prompt_encoder.input_image_size[0]
        return Geometry(embedding['image_size'], embedding['input_size'], side)

    def open(self, embedding: SAMEmbedding) -> Decode:
        """Returns a function that decodes prompts on an image."""
        decode = self._decoder_of(embedding)
        geometry = self.geometry(embedding)

        def decode_points(
            points: np.ndarray, labels: np.ndarray
        ) -> tuple[Tensor, Tensor]:
            points = geometry.resize_points(points)
            prompts = (
                torch.as_tensor(points, dtype=torch.float, device=self.device),
                torch.as_tensor(labels, dtype=torch.int, device=self.device),
            )
            sparse, _ = self._prompt_encoder(
                points=prompts, boxes=None, masks=None
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
        self, embedding: SAMEmbedding
    ) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """Returns a function from (n, K, C) embeddings to logits, scores."""
        features, interm = (
            tensor if tensor is None else tensor.to(self.device, torch.float)
            for tensor in (embedding['features'], embedding['interm'])
        )
        # Positions in fp32: with the 8 bits of bf16 they would be off by
        # several pixels.
        positions = self._prompt_encoder.get_dense_pe()
        _, dense = self._prompt_encoder(points=None, boxes=None, masks=None)
        shared = self._shared
        if shared is not None:
            with autocast(self._dtype, self.device):
                image = shared.share(features, dense, positions)
            return lambda sparse: shared(image, sparse)
        options = {}
        if interm is not None:
            options['interm_embeddings'] = [interm]
            options['hq_token_only'] = False
        return lambda sparse: self._mask_decoder(
            image_embeddings=features,
            image_pe=positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense.expand(len(sparse), -1, -1, -1),
            multimask_output=True,
            **options,
        )


def _copy_to_cpu(module: nn.Module) -> nn.Module:
    """Returns a copy without allocating memory on the module's device."""
    copies: dict[int, Tensor] = {}
    for parameter in module.parameters():
        copied = parameter.to('cpu', copy=True)
        copies[id(parameter)] = nn.Parameter(copied, requires_grad=False)
    for buffer in module.buffers():
        copies[id(buffer)] = buffer.to('cpu', copy=True)
    return copy.deepcopy(module, copies)


def autocast(dtype: str, device: torch.device) -> AbstractContextManager:
    """Returns a context in which networks compute in a precision.

    Raises:
        ValueError: the device is a CPU and the dtype 'fp16'.
    """
    if dtype == 'fp16' and device.type == 'cpu':
        raise ValueError(
            "SAMSegmenter got dtype='fp16' on a CPU, which computes "
            "'fp32' or 'bf16' only; set one of them or use a GPU."
        )
    if dtype == 'fp32':
        return nullcontext()
    return torch.autocast(device.type, DTYPES[dtype])
