"""Segment Anything, and models that share its predictor's API."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import takewhile
from threading import Lock
from typing import Any, Callable, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmseg.registry import TASK_UTILS
from torch import nn

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.base import BaseSegmenter, Candidates
from mmseg_sesam.segmenters.sam.attention import fuse_attention
from mmseg_sesam.segmenters.sam.checkpoint import load_checkpoint
from mmseg_sesam.segmenters.sam.embedding import SAMEmbedding
from mmseg_sesam.segmenters.sam.placed_decoder import (
    DTYPES,
    PlacedDecoder,
    autocast,
)
from mmseg_sesam.validators import (
    FLAG,
    check_option,
    check_options,
    count,
    one_of,
)

# To be raised whenever the same weights come to give other masks.
MASK_VERSION = 2

# Prompts decoded at once: a CPU's caches hold no more.
CPU_BATCH, GPU_BATCH = 2, 64

# On a GPU: while it works for one image, the CPU takes labels apart, chooses
# masks and writes files of the others.
IMAGES_AT_ONCE = 4

# Pixels looked up at once, which bounds the memory of `contains`.
PIXELS_PER_CHUNK = 8192


class Answers(NamedTuple):
    """What the decoder gave for n prompts.

    Attributes:
        logits: (n, M, h, w) float32; 256 x 256 for the official models.
        scores: (n, M) float32 array.
        stability: (n, M) float32 array.
        areas: (n, M) float32 array.
    """

    logits: torch.Tensor
    scores: np.ndarray
    stability: np.ndarray
    areas: np.ndarray


@TASK_UTILS.register_module()
class SAMSegmenter(BaseSegmenter):
    """Answers point prompts with Segment Anything (arXiv 2304.02643).

    Gives what `SamPredictor` gives with `multimask_output=True`: three
    candidates for a prompt, and one with SAM-HQ, which merges them itself.
    The weights are loaded at once, so that every mistake shows early.

    Args:
        checkpoint: path or https URL of the weights, see `load_checkpoint`.
        builder: a function without arguments that makes the model with any
            weights, or its dotted path: 'segment_anything.build_sam_vit_b'
            (or _l, _h), 'segment_anything_hq.build_sam_vit_h',
            'mobile_sam.build_sam_vit_t'.
        sha256: of the checkpoint, see `load_checkpoint`.
        dtype: 'fp32', or 'bf16' or 'fp16' for automatic mixed precision of
            the image encoder and the mask decoder.
        decode_batch: prompts that are decoded at once; by default 2 on a
            CPU and 64 elsewhere. Halved for good when they do not fit into
            memory; where not even one fits into a GPU's, decoding goes on
            on the CPU.
        compile: whether to compile the image encoder, whose inputs are all
            of one size; takes a minute, for data sets that take hours.

    Raises:
        ImportError: the builder cannot be imported.
        ValueError: an option is unknown, or the weights do not fit the
            builder; see also `load_checkpoint`.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        builder: str | Callable[[], nn.Module] = (
            'segment_anything.build_sam_vit_h'
        ),
        sha256: str | None = None,
        dtype: str = 'fp32',
        decode_batch: int | None = None,
        compile: bool = False,
    ) -> None:
        self.dtype = dtype
        self.decode_batch = decode_batch
        check_options(
            self,
            dtype=one_of(list(DTYPES)),
            decode_batch=count(1).or_none(),
        )
        check_option(type(self).__name__, 'compile', compile, FLAG)
        if isinstance(builder, str):
            builder = _import_builder(builder)
        state, digest = load_checkpoint(checkpoint, sha256)
        # What fits into memory, once more did not, and whether the CPU
        # had to take over.
        self._largest_batch: int | None = None
        self._moved = False
        self._lock, self._encoding = Lock(), Lock()
        self._builder = f'{builder.__module__}.{builder.__qualname__}'
        self._sha256 = digest
        self._sam = builder()
        try:
            self._sam.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f'The checkpoint {checkpoint} does not fit the model of '
                f'builder={self._builder}; choose the builder that it was '
                'made with.'
            ) from error
        # After loading: MobileSAM's encoder derives buffers from its
        # weights when it enters eval mode.
        self._sam.requires_grad_(False).eval()
        fuse_attention(self._sam.image_encoder)
        self._decoder = PlacedDecoder(
            self._sam.prompt_encoder, self._sam.mask_decoder, dtype
        )
        self._encode = self._sam.image_encoder
        if compile:
            self._encode = torch.compile(self._encode, dynamic=False)
        # Models share the predictor's API, but not one package.
        package = type(self._sam).__module__.rpartition('.modeling')[0]
        transforms, self._amg = (
            import_module(f'{package or "segment_anything"}.utils.{name}')
            for name in ('transforms', 'amg')
        )
        self._transform = transforms.ResizeLongestSide(
            self._sam.image_encoder.img_size
        )

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`; the same on all devices."""
        return dict(
            type='SAMSegmenter',
            builder=self._builder,
            checkpoint=self._sha256,
            dtype=self.dtype,
            mask_version=MASK_VERSION,
        )

    @property
    def images_at_once(self) -> int:
        """See `BaseSegmenter.images_at_once`."""
        return 1 if self._sam.device.type == 'cpu' else IMAGES_AT_ONCE

    def to(self, device: str | torch.device) -> SAMSegmenter:
        """See `BaseSegmenter.to`.

        With dtype 'fp16' it may wait on a CPU, but not work there.
        """
        self._sam.to(device)
        return self

    @torch.inference_mode()
    def encode(self, images: Sequence[np.ndarray]) -> list[SAMEmbedding]:
        """See `BaseSegmenter.encode`.

        One by one, those of other threads too: an image of 1024 x 1024 keeps
        a device busy, and the memory of one serves the next.
        """
        return [self._encode_one(image) for image in images]

    def _encode_one(self, image: np.ndarray) -> SAMEmbedding:
        pixels = self._resize(image)
        with self._encoding, autocast(self.dtype, pixels.device):
            output = self._encode(self._sam.preprocess(pixels)[None])
        # SAM-HQ's encoder also gives the features of its early layers.
        features, interm = (
            (output[0], output[1][0])
            if isinstance(output, tuple)
            else (output, None)
        )
        return SAMEmbedding(
            features=features,
            interm=interm,
            image_size=image.shape[:2],
            input_size=tuple(pixels.shape[1:]),
        )

    def pack(self, embedding: SAMEmbedding) -> dict[str, torch.Tensor]:
        """See `BaseSegmenter.pack`; features as fp16."""
        sizes = [*embedding['image_size'], *embedding['input_size']]
        tensors = dict(features=embedding['features'])
        if embedding['interm'] is not None:
            tensors['interm'] = embedding['interm']
        tensors = {
            name: tensor.to('cpu', torch.half).contiguous()
            for name, tensor in tensors.items()
        }
        return dict(tensors, sizes=torch.tensor(sizes))

    def unpack(self, tensors: dict[str, torch.Tensor]) -> SAMEmbedding:
        """See `BaseSegmenter.unpack`."""
        sizes, interm = tensors['sizes'].tolist(), tensors.get('interm')
        return SAMEmbedding(
            features=tensors['features'].float(),
            interm=None if interm is None else interm.float(),
            image_size=tuple(sizes[:2]),
            input_size=tuple(sizes[2:]),
        )

    @torch.inference_mode()
    def decode(
        self, embedding: SAMEmbedding, prompts: Sequence[PointPrompt]
    ) -> SAMCandidates:
        """See `BaseSegmenter.decode`.

        Only prompts with equal numbers of points share a batch: points
        added as padding would change SAM's answer.
        """

        def num_points(index: int) -> int:
            return len(prompts[index].labels)

        order = sorted(range(len(prompts)), key=num_points)
        answers = [
            self._measure(*answer, embedding)
            for answer in self._ask(embedding, [prompts[i] for i in order])
        ]
        return SAMCandidates(self._sam, embedding, answers, order)

    def _ask(
        self, embedding: SAMEmbedding, prompts: list[PointPrompt]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Decodes prompts, few points first, in batches that fit.

        Yields:
            (n, M, h, w) float32 logits and (n, M) scores.
        """
        opened = decode = None
        while prompts:
            decoder = self._decoder
            batch = self._next_batch(prompts)
            points = self._transform.apply_coords(
                np.stack([prompt.points for prompt in batch]),
                embedding['image_size'],
            )
            labels = np.stack([prompt.labels for prompt in batch])
            try:
                if opened is not decoder:
                    decode = decoder.open(embedding)
                    opened = decoder
                answer = decode(points, labels)
            except RuntimeError as error:
                if not self._has_remedy(decoder, error):
                    raise
                answer = None
            # Not while the error is handled, which keeps what filled memory.
            if answer is None:
                opened = decode = None
                self._make_room(decoder, len(batch))
                continue
            yield answer
            prompts = prompts[len(batch) :]

    def _next_batch(self, prompts: list[PointPrompt]) -> list[PointPrompt]:
        """The first of the prompts that can be decoded at once."""
        count = len(prompts[0].labels)
        return list(
            takewhile(
                lambda prompt: len(prompt.labels) == count,
                prompts[: self._most_at_once()],
            )
        )

    def _most_at_once(self) -> int:
        """Prompts that may be decoded at once."""
        on_cpu = self._decoder.device.type == 'cpu'
        wanted = self.decode_batch or (CPU_BATCH if on_cpu else GPU_BATCH)
        return min(wanted, self._largest_batch or wanted)

    def _has_remedy(self, decoder: PlacedDecoder, error: RuntimeError) -> bool:
        """Whether an error of a decoder is one of memory that can be had."""
        of_gpu = 'out of memory' in str(error)
        if not (of_gpu or "can't allocate memory" in str(error)):
            return False
        with self._lock:
            return (
                decoder is not self._decoder
                or self._most_at_once() > 1
                or (of_gpu and not self._moved)
            )

    def _make_room(self, decoder: PlacedDecoder, size: int) -> None:
        """Asks less of the memory from now on; warns once.

        Args:
            decoder: what ran out of memory.
            size: prompts that it decoded at once.
        """
        with self._lock:
            most = self._most_at_once()
            if decoder is not self._decoder or size > most:
                # Another thread has made room.
                return
            if self._largest_batch is None:
                print_log(
                    f'Decoding {size} prompts at once exceeds the memory; '
                    'SAMSegmenter goes on with fewer, and on the CPU if not '
                    'even one fits. A smaller decode_batch= saves the failed '
                    'attempts.',
                    logger='current',
                    level=logging.WARNING,
                )
            if most > 1:
                self._largest_batch = most // 2
            else:
                self._moved, self._largest_batch = True, CPU_BATCH
                self._decoder = decoder.on_cpu()

    def _resize(self, image: np.ndarray) -> torch.Tensor:
        """(3, h, w) uint8, the longer side as the encoder expects it."""
        resized = self._transform.apply_image(image)
        pixels = torch.as_tensor(resized, device=self._sam.device)
        return pixels.permute(2, 0, 1).contiguous()

    def _measure(
        self,
        logits: torch.Tensor,
        scores: torch.Tensor,
        embedding: SAMEmbedding,
    ) -> Answers:
        """Adds stability and area, estimated on the logits' grid."""
        cells = [
            size * logits.shape[-1] / self._sam.image_encoder.img_size
            for size in embedding['input_size']
        ]
        rows, cols = (int(np.ceil(count)) for count in cells)
        inside = logits[..., :rows, :cols]
        threshold = self._sam.mask_threshold
        stability = self._amg.calculate_stability_score(inside, threshold, 1.0)
        share = (inside > threshold).sum((-2, -1)) / np.prod(cells)
        areas = share.clamp(max=1) * np.prod(embedding['image_size'])
        return Answers(
            logits,
            _to_numpy(scores.clamp(0, 1)),
            # An empty mask has no stability: 0 / 0.
            _to_numpy(stability.nan_to_num(0.0)),
            _to_numpy(areas),
        )


class SAMCandidates(Candidates):
    """Candidates that are held as low-resolution logits.

    Args:
        sam: the model, which draws and thresholds the masks.
        embedding: of the image.
        answers: of all prompts.
        order: which prompt each answer is to.
    """

    def __init__(
        self,
        sam: nn.Module,
        embedding: SAMEmbedding,
        answers: list[Answers],
        order: list[int],
    ) -> None:
        self._sam = sam
        self._image_size = embedding['image_size']
        self._input_size = embedding['input_size']
        logits, scores, stability, areas = zip(*answers)
        ranks = np.argsort(order)
        # Views of what the decoder gave: the logits are not copied, unless
        # memory ran out between them and the CPU took over.
        device = logits[-1].device
        flat = [own for batch in logits for own in batch.to(device)]
        self._logits = [flat[rank] for rank in ranks]
        self.scores = np.concatenate(scores)[ranks]
        self.stability = np.concatenate(stability)[ranks]
        self.areas = np.concatenate(areas)[ranks]

    @torch.inference_mode()
    def contains(
        self, rows: np.ndarray, cols: np.ndarray, prompts: slice
    ) -> np.ndarray:
        """See `Candidates.contains`.

        Interpolates the logits at these pixels alone, in one step, where
        `mask` takes two: they may differ at the very edge of a mask.
        """
        logits = torch.stack(self._logits[prompts])
        planes = logits.flatten(0, 1)[None]
        grid = torch.from_numpy(self._locate(rows, cols)).to(planes)
        hits = [
            F.grid_sample(
                planes,
                pixels[None, None],
                padding_mode='border',
                align_corners=False,
            )
            > self._sam.mask_threshold
            for pixels in grid.split(PIXELS_PER_CHUNK)
        ]
        shape = (*logits.shape[:2], len(rows))
        return torch.cat(hits, dim=-1).reshape(shape).cpu().numpy()

    @torch.inference_mode()
    def mask(self, prompt: int, index: int) -> np.ndarray:
        """See `Candidates.mask`.

        The logits are enlarged twice, as `Sam.postprocess_masks` does: to
        the padded square, and its image to the size of the image file. What
        of the square is padding, and not beside the image, is left out.
        """
        logits = self._logits[prompt][index].float()
        scale = self._sam.image_encoder.img_size // logits.shape[-1]
        height, width = (side // scale + 2 for side in self._input_size)
        logits = logits[:height, :width]
        resized = _resize(logits, [side * scale for side in logits.shape])
        height, width = self._input_size
        drawn = _resize(resized[:height, :width], self._image_size)
        return (drawn > self._sam.mask_threshold).cpu().numpy()

    def _locate(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """(N, 2) pixels as (x, y) from -1 to 1 in the padded square."""
        axes = [
            # As `postprocess_masks` does, not beyond the outermost pixels
            # of the resized image.
            ((pixels + 0.5) * resized / size).clip(0.5, resized - 0.5)
            for pixels, resized, size in zip(
                (cols, rows), self._input_size[::-1], self._image_size[::-1]
            )
        ]
        return (
            np.stack(axes, axis=-1) * 2 / self._sam.image_encoder.img_size - 1
        )


def _import_builder(path: str) -> Callable[[], nn.Module]:
    module, _, name = path.rpartition('.')
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImportError(
            f'SAMSegmenter could not import builder={path!r} ({error}); '
            'install its package (pip install segment-anything) or correct '
            'the dotted path.'
        ) from error


def _resize(logits: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Resizes (h, w) float32 logits, bilinearly.

    On a CPU OpenCV takes a quarter of torch's time for the same.
    """
    if logits.device.type == 'cpu':
        height, width = size
        return torch.from_numpy(cv2.resize(logits.numpy(), (width, height)))
    return F.interpolate(
        logits[None, None], size, mode='bilinear', align_corners=False
    )[0, 0]


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
