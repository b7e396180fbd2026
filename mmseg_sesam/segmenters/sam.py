"""Segment Anything, and models that share its predictor's API."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import Any, Callable, NamedTuple, TypedDict

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmseg.registry import TASK_UTILS
from torch import nn

from mmseg_sesam.core.prompts import PointPrompt

from .attention import fuse_attention
from .base import BaseSegmenter, Candidates
from .checkpoint import load_checkpoint
from .decoder import SharedDecoder

DTYPES = dict(fp32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)

# To be raised whenever the same weights come to give other masks.
MASK_VERSION = 2

# Prompts decoded at once: a CPU's caches hold no more.
CPU_BATCH, GPU_BATCH = 4, 64

# On a GPU: while it works for one image, the CPU takes labels apart, chooses
# masks and writes files of the others.
IMAGES_AT_ONCE = 4

# From (n, K, C) prompt embeddings to (n, M, h, w) logits and (n, M) scores.
Decode = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

# Pixels looked up at once, which bounds the memory of `contains`.
PIXELS_PER_CHUNK = 8192


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
        encode_batch: images that are encoded at once.
        decode_batch: prompts that are decoded at once; by default 4 on a
            CPU and 64 elsewhere. Halved for good when they do not fit into
            memory.
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
        encode_batch: int = 4,
        decode_batch: int | None = None,
        compile: bool = False,
    ) -> None:
        batches = [encode_batch, 1 if decode_batch is None else decode_batch]
        if dtype not in DTYPES or min(batches) < 1:
            raise ValueError(
                f'SAMSegmenter got dtype={dtype!r}, encode_batch='
                f'{encode_batch} and decode_batch={decode_batch}, expected '
                f'a dtype of {list(DTYPES)} and batches of at least 1.'
            )
        if isinstance(builder, str):
            builder = _import_builder(builder)
        state, digest = load_checkpoint(checkpoint, sha256)
        self.dtype = dtype
        self.encode_batch = encode_batch
        self.decode_batch = decode_batch
        # What fits into memory, once more did not.
        self._largest_batch: int | None = None
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
        self._decoder: SharedDecoder | None = None
        if SharedDecoder.serves(self._sam.mask_decoder):
            self._decoder = SharedDecoder(self._sam.mask_decoder)
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

        Raises:
            ValueError: the device is a CPU and the dtype 'fp16'.
        """
        self._autocast(torch.device(device))
        self._sam.to(device)
        return self

    @torch.inference_mode()
    def encode(self, images: Sequence[np.ndarray]) -> list[SAMEmbedding]:
        """See `BaseSegmenter.encode`."""
        embeddings = []
        for start in range(0, len(images), self.encode_batch):
            batch = images[start : start + self.encode_batch]
            inputs = [self._resize(image) for image in batch]
            pixels = torch.stack([self._sam.preprocess(x) for x in inputs])
            with self._autocast(pixels.device):
                output = self._encode(pixels)
            # SAM-HQ's encoder also gives the features of its early layers.
            features, interm = (
                (output[0], output[1][0])
                if isinstance(output, tuple)
                else (output, None)
            )
            embeddings += [
                SAMEmbedding(
                    features=features[i : i + 1],
                    interm=None if interm is None else interm[i : i + 1],
                    image_size=image.shape[:2],
                    input_size=tuple(inputs[i].shape[1:]),
                )
                for i, image in enumerate(batch)
            ]
        return embeddings

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

        decode = self._decoder_of(embedding)
        order = sorted(range(len(prompts)), key=num_points)
        answers = [
            self._measure(*answer, embedding)
            for _, group in groupby(order, num_points)
            for answer in self._ask(
                embedding, [prompts[i] for i in group], decode
            )
        ]
        return SAMCandidates(self._sam, embedding, answers, order)

    def _decoder_of(self, embedding: SAMEmbedding) -> Decode:
        """A function from sparse prompt embeddings to logits and scores."""
        sam, device = self._sam, self._sam.device
        features = embedding['features'].to(device)
        # Positions in fp32: with the 8 bits of bf16 they would be off by
        # several pixels.
        positions = sam.prompt_encoder.get_dense_pe()
        _, dense = sam.prompt_encoder(points=None, boxes=None, masks=None)
        if self._decoder is not None:
            with self._autocast(device):
                image = self._decoder.share(features, dense, positions)
            return partial(self._decoder, image)
        options = {}
        if embedding['interm'] is not None:
            options['interm_embeddings'] = [embedding['interm'].to(device)]
            options['hq_token_only'] = False

        def decode(sparse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return sam.mask_decoder(
                image_embeddings=features,
                image_pe=positions,
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense.expand(len(sparse), -1, -1, -1),
                multimask_output=True,
                **options,
            )

        return decode

    def _ask(
        self,
        embedding: SAMEmbedding,
        prompts: list[PointPrompt],
        decode: Decode,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Decodes prompts of as many points, in batches that fit.

        Yields:
            (n, M, h, w) float32 logits and (n, M) scores.
        """
        device = self._sam.device
        wanted = self.decode_batch
        if wanted is None:
            wanted = CPU_BATCH if device.type == 'cpu' else GPU_BATCH
        points = self._transform.apply_coords(
            np.stack([prompt.points for prompt in prompts]),
            embedding['image_size'],
        )
        points = torch.as_tensor(points, dtype=torch.float, device=device)
        labels = np.stack([prompt.labels for prompt in prompts])
        labels = torch.as_tensor(labels, dtype=torch.int, device=device)
        start = 0
        while start < len(prompts):
            size = min(wanted, self._largest_batch or wanted)
            batch = slice(start, start + size)
            try:
                logits, scores = self._predict(
                    decode, points[batch], labels[batch]
                )
            except RuntimeError as error:
                if size == 1 or not _is_out_of_memory(error):
                    raise
                self._halve_batch(size)
                continue
            yield logits, scores
            start += len(logits)

    def _halve_batch(self, size: int) -> None:
        """Warns once, and decodes half as many prompts from now on."""
        if self._largest_batch is None:
            print_log(
                f'Decoding {size} prompts at once exceeds the memory; '
                'SAMSegmenter goes on with fewer. A smaller decode_batch= '
                'saves the failed attempts.',
                logger='current',
                level=logging.WARNING,
            )
        self._largest_batch = size // 2

    def _predict(
        self, decode: Decode, points: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Decodes (n, K, 2) points of the resized image and their labels."""
        sparse, _ = self._sam.prompt_encoder(
            points=(points, labels), boxes=None, masks=None
        )
        with self._autocast(points.device):
            logits, scores = decode(sparse)
        # A copy, lest it keep alive the single-mask output next to it.
        logits = logits.to(
            torch.float, copy=True, memory_format=torch.contiguous_format
        )
        return logits, scores

    def _resize(self, image: np.ndarray) -> torch.Tensor:
        """(3, h, w) uint8, the longer side as the encoder expects it."""
        resized = self._transform.apply_image(image)
        pixels = torch.as_tensor(resized, device=self._sam.device)
        return pixels.permute(2, 0, 1).contiguous()

    def _autocast(self, device: torch.device) -> AbstractContextManager:
        """The precision in which the networks run."""
        if self.dtype == 'fp16' and device.type == 'cpu':
            raise ValueError(
                "SAMSegmenter got dtype='fp16' on a CPU, which computes "
                "'fp32' or 'bf16' only; set one of them or use a GPU."
            )
        if self.dtype == 'fp32':
            return nullcontext()
        return torch.autocast(device.type, DTYPES[self.dtype])

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
        # Views of what the decoder gave: the logits are not copied.
        flat = [own for batch in logits for own in batch]
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
        """See `Candidates.mask`."""
        logits = self._sam.postprocess_masks(
            self._logits[prompt][index][None, None],
            self._input_size,
            self._image_size,
        )
        return (logits > self._sam.mask_threshold)[0, 0].cpu().numpy()

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


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a GPU (CUDA) or CPU (DefaultCPUAllocator) ran out of it."""
    text = str(error)
    return 'out of memory' in text or "can't allocate memory" in text


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
