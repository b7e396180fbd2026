"""What segmenters with an image encoder and a mask decoder share."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Lock

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmseg_sesam import validators
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.base import BaseSegmenter
from mmseg_sesam.segmenters.batching import (
    BatchDecoder,
    Decoder,
    NetworkEmbedding,
    lacks_gpu_memory,
)
from mmseg_sesam.segmenters.candidates import LogitCandidates
from mmseg_sesam.segmenters.devices import DTYPE, device_of

# Threads on a GPU (our choice): while the GPU encodes or decodes one image,
# the CPU prepares, selects and writes the others.
_IMAGES_AT_ONCE = 4


class _DecodingGate:
    """Lets threads decode together, and keeps them out on demand."""

    def __init__(self) -> None:
        self._entry = Lock()
        self._left = Condition()
        self._inside = 0

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Waits until the gate is open, and counts a thread as inside."""
        with self._entry, self._left:
            self._inside += 1
        try:
            yield
        finally:
            with self._left:
                self._inside -= 1
                self._left.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Closes the gate, and waits until no thread is inside."""
        with self._entry:
            with self._left:
                self._left.wait_for(lambda: not self._inside)
            yield


class NetworkSegmenter(BaseSegmenter):
    """Returns masks of a network that encodes an image and decodes prompts.

    A subclass loads the network in its constructor, after this one, which
    checks options, and before `use`. It implements `encode_image` and
    `fingerprint`.

    Args:
        dtype: 'fp32', or 'bf16' or 'fp16' for automatic mixed precision, or
            'auto': 'bf16' on a GPU that computes it, else 'fp32'.
        decode_batch: most prompts decoded at once, see `BatchDecoder`.

    Raises:
        ValueError: an option is unknown.
    """

    # Logit above which a pixel is inside.
    mask_threshold = 0.0

    def __init__(self, dtype: str, decode_batch: int | None) -> None:
        self.dtype = dtype
        self.decode_batch = decode_batch
        validators.check_options(
            self, dtype=DTYPE, decode_batch=validators.count(1).or_none()
        )
        self._encoding = Lock()
        self._gate = _DecodingGate()
        self._warned = False

    def use(self, network: nn.Module, decoder: Decoder) -> None:
        """Sets the network, and the decoder that computes with parts of it."""
        self._network = network
        self._decoder = decoder
        self._decode = BatchDecoder(decoder, self.decode_batch)

    @abstractmethod
    def encode_image(self, image: np.ndarray) -> NetworkEmbedding:
        """Returns the embedding of an image, (H, W, 3) uint8 in RGB.

        It is called in inference mode, by several threads at once.
        """

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return device_of(self._network)

    @property
    def images_at_once(self) -> int:
        """See `BaseSegmenter.images_at_once`."""
        return 1 if self.device.type == 'cpu' else _IMAGES_AT_ONCE

    def to(self, device: str | torch.device) -> NetworkSegmenter:
        """See `BaseSegmenter.to`.

        With dtype 'fp16' it may be moved to a CPU, but not run there.
        """
        self._network.to(device)
        return self

    @torch.inference_mode()
    def encode(self, images: Sequence[np.ndarray]) -> list[NetworkEmbedding]:
        """See `BaseSegmenter.encode`.

        Threads encode one image at a time: one image of 1024 x 1024 keeps a
        device busy, and two would need twice the memory. An image that does
        not fit into a GPU's memory beside other threads' decoding is encoded
        once more while they wait; what they decoded stays on the GPU.
        """
        return [self._encode_or_wait(image) for image in images]

    def _encode_or_wait(self, image: np.ndarray) -> NetworkEmbedding:
        try:
            return self.encode_image(image)
        except RuntimeError as error:
            if not lacks_gpu_memory(error):
                raise
        # Outside the except block: the traceback would keep the tensors
        # alive. torch itself frees its cached memory before it raises.
        with self._gate.closed():
            embedding = self.encode_image(image)
        self._warn_once()
        return embedding

    def _warn_once(self) -> None:
        if not self._warned:
            print_log(
                'Encoding an image beside decoding exceeds the memory of the '
                'GPU; images that do not fit are encoded once more, while '
                'nothing is decoded. A smaller decode_batch= of the '
                'segmenter, such as 8, or prompts_per_call= of the generator, '
                'such as 64, saves the failed attempts.',
                logger='current',
                level=logging.WARNING,
            )
        self._warned = True

    @torch.inference_mode()
    def decode(
        self, embedding: NetworkEmbedding, prompts: Sequence[PointPrompt]
    ) -> LogitCandidates:
        """See `BaseSegmenter.decode`."""
        with self._gate.passed():
            return LogitCandidates(
                self._decode(embedding, prompts),
                self._decoder.geometry(embedding),
                self.mask_threshold,
            )

    def pack(self, embedding: NetworkEmbedding) -> dict[str, Tensor]:
        """See `BaseSegmenter.pack`; feature maps as fp16.

        Raises:
            ValueError: fp16 does not hold a value.
        """
        sizes = [*embedding['image_size'], *embedding['input_size']]
        levels = {
            f'level{index}': level.to('cpu', torch.half).contiguous()
            for index, level in enumerate(embedding['levels'])
        }
        # Infinite features would give masks of noise without an error.
        if not all(level.isfinite().all() for level in levels.values()):
            raise ValueError(
                f'{type(self).__name__} encoded an image to values that are '
                'no numbers or exceed 65504, the largest one of fp16, in '
                "which embeddings are stored; set dtype='fp32' if it is "
                "'fp16', otherwise use the segmenter without "
                'CachedSegmenter.'
            )
        return dict(levels, sizes=torch.tensor(sizes))

    def unpack(self, tensors: dict[str, Tensor]) -> NetworkEmbedding:
        """See `BaseSegmenter.unpack`."""
        sizes = tensors['sizes'].tolist()
        # By order: earlier caches have another name for SAM's one level.
        names = sorted(tensors.keys() - {'sizes'})
        return NetworkEmbedding(
            levels=[tensors[name].float() for name in names],
            image_size=tuple(sizes[:2]),
            input_size=tuple(sizes[2:]),
        )
