"""Decoding prompts in batches that fit into memory."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Lock
from typing import Callable, Protocol, TypedDict

import numpy as np
import torch
from mmengine.logging import print_log

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.candidates import DecodedBatch, Geometry

# Prompts decoded at once (our choice: a CPU's caches hold no more).
CPU_BATCH, GPU_BATCH = 2, 64

# (n, K, 2) points of the image -> (n, M, h, w) float32 logits and (n, M)
# scores.
Decode = Callable[[np.ndarray], 'tuple[torch.Tensor, torch.Tensor]']


class NetworkEmbedding(TypedDict):
    """An encoded image.

    Attributes:
        levels: (1, ...) float feature maps of the image encoder.
        image_size: (H, W) of the image.
        input_size: (H, W) of the image resized for the encoder, unpadded.
    """

    levels: list[torch.Tensor]
    image_size: tuple[int, int]
    input_size: tuple[int, int]


class Decoder(Protocol):
    """A decoder on one device."""

    @property
    def device(self) -> torch.device:
        """Device of the weights."""

    def geometry(self, embedding: NetworkEmbedding) -> Geometry:
        """Returns the place of an image in the input of the encoder."""

    def open(self, embedding: NetworkEmbedding) -> Decode:
        """Returns a function that decodes prompts on an image."""

    def on_cpu(self) -> Decoder:
        """Returns a copy on the CPU."""


def lacks_gpu_memory(error: RuntimeError) -> bool:
    """Returns whether an error says that a GPU's memory was short."""
    return 'out of memory' in str(error)


class BatchDecoder:
    """Decodes prompts in batches, and in smaller ones if memory is short.

    A batch has prompts with equal numbers of points, since padding points
    change the masks of every SAM. A batch that does not fit into memory is
    halved for good; if a single prompt does not fit into a GPU's memory,
    decoding moves to the CPU for good. Threads may share it.

    Args:
        decoder: decodes a batch.
        batch_size: most prompts decoded at once; None is 2 on a CPU and 64
            on a GPU.
    """

    def __init__(self, decoder: Decoder, batch_size: int | None) -> None:
        self._decoder = decoder
        self._wanted = batch_size
        # Set once memory was short: what fits, and whether the CPU took over.
        self._largest: int | None = None
        self._moved = False
        self._lock = Lock()

    def __call__(
        self, embedding: NetworkEmbedding, prompts: Sequence[PointPrompt]
    ) -> list[DecodedBatch]:
        """Returns P >= 1 decoded prompts, those with few points first."""
        counts = [len(prompt.points) for prompt in prompts]
        waiting = sorted(range(len(prompts)), key=counts.__getitem__)
        decoded: list[DecodedBatch] = []
        opened = decode = None
        while waiting:
            decoder = self._decoder
            count = counts[waiting[0]]
            batch = [i for i in waiting if counts[i] == count]
            batch = batch[: self._batch_size()]
            try:
                if opened is not decoder:
                    decode = decoder.open(embedding)
                    opened = decoder
                made = decode(np.stack([prompts[i].points for i in batch]))
            except RuntimeError as error:
                if not self._has_remedy(decoder, error):
                    raise
                made = None
            # Outside the except block: the traceback would keep the tensors
            # alive.
            if made is None:
                opened = decode = None
                self._make_room(decoder, len(batch))
                continue
            decoded.append(DecodedBatch(batch, *made))
            waiting = waiting[len(batch) :]
        return decoded

    def _batch_size(self) -> int:
        on_cpu = self._decoder.device.type == 'cpu'
        wanted = self._wanted or (CPU_BATCH if on_cpu else GPU_BATCH)
        return min(wanted, self._largest or wanted)

    def _has_remedy(self, decoder: Decoder, error: RuntimeError) -> bool:
        """Returns whether a smaller batch or the CPU may avoid an error."""
        of_gpu = lacks_gpu_memory(error)
        if not (of_gpu or "can't allocate memory" in str(error)):
            return False
        with self._lock:
            return (
                decoder is not self._decoder
                or self._batch_size() > 1
                or (of_gpu and not self._moved)
            )

    def _make_room(self, decoder: Decoder, size: int) -> None:
        """Halves the batch size, or moves to the CPU; warns once.

        `decoder` ran out of memory when it decoded `size` prompts at once.
        """
        with self._lock:
            largest = self._batch_size()
            if decoder is not self._decoder or size > largest:
                # Another thread has made room.
                return
            if self._largest is None:
                print_log(
                    f'Decoding {size} prompts at once exceeds the memory; '
                    'fewer are decoded from now on, and on the CPU if not '
                    'even one fits. A smaller decode_batch= of the segmenter '
                    'saves the failed attempts.',
                    logger='current',
                    level=logging.WARNING,
                )
            if largest > 1:
                self._largest = largest // 2
            else:
                self._moved, self._largest = True, CPU_BATCH
                self._decoder = decoder.on_cpu()
