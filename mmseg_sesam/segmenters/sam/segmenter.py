"""Segment Anything, and models that share its predictor's API."""

from __future__ import annotations

import os
from importlib import import_module
from inspect import isfunction
from typing import Any, Callable

import numpy as np
import torch
from mmseg.registry import TASK_UTILS
from torch import nn

from mmseg_sesam import validators
from mmseg_sesam.segmenters.batching import NetworkEmbedding
from mmseg_sesam.segmenters.devices import autocast
from mmseg_sesam.segmenters.network import NetworkSegmenter
from mmseg_sesam.segmenters.sam.attention import fuse_attention
from mmseg_sesam.segmenters.sam.checkpoint import load_checkpoint
from mmseg_sesam.segmenters.sam.placed_decoder import PlacedDecoder

# Raise it whenever the same weights give other masks.
MASK_VERSION = 2
# Packages of builders, and where to get them if not by their own names.
_SOURCES = dict(
    segment_anything='segment_anything (pip install segment-anything)',
    mobile_sam='mobile_sam from https://github.com/ChaoningZhang/MobileSAM',
)
_BUILDER = validators.Rule(
    isfunction, 'a function without arguments or its dotted path'
)


@TASK_UTILS.register_module()
class SAMSegmenter(NetworkSegmenter):
    """Returns masks of Segment Anything (arXiv 2304.02643).

    The masks are those of `SamPredictor` with `multimask_output=True`: three
    candidates for a prompt. The weights are loaded on construction, so that
    errors are found early. `TransformersSegmenter` runs SAM-HQ.

    Args:
        checkpoint: path or https URL of the weights, see `load_checkpoint`.
        builder: a function without arguments that returns the model, or its
            dotted path: 'segment_anything.build_sam_vit_b'
            (or _l, _h), 'mobile_sam.build_sam_vit_t'.
        sha256: sha256 of the checkpoint, see `load_checkpoint`.
        dtype: 'fp32', or 'bf16' or 'fp16' for automatic mixed precision of
            the image encoder and the mask decoder, or 'auto': 'bf16' on a
            GPU that computes it, else 'fp32'.
        decode_batch: most prompts decoded at once, see `BatchDecoder`; by
            default 2 on a CPU and 64 elsewhere. Lower it if a warning says
            that memory was short.
        compile: whether to compile the image encoder. It takes a minute; set
            it for data sets that take hours.

    Raises:
        ImportError: the builder cannot be imported.
        ValueError: an option is unknown, the model is a SAM-HQ, or the
            weights do not fit the builder; see also `load_checkpoint`.
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike | None = None,
        builder: str | Callable[[], nn.Module] = (
            'segment_anything.build_sam_vit_h'
        ),
        sha256: str | None = None,
        dtype: str = 'fp32',
        decode_batch: int | None = None,
        compile: bool = False,
    ) -> None:
        super().__init__(dtype, decode_batch)
        owner = type(self).__name__
        if isinstance(builder, str):
            builder = _import_builder(builder)
        for name, value, rule in (
            ('checkpoint', checkpoint, validators.PATH.or_none()),
            ('builder', builder, _BUILDER),
            ('sha256', sha256, validators.SHA256.or_none()),
            ('compile', compile, validators.FLAG),
        ):
            validators.check_option(owner, name, value, rule)
        state, self._sha256 = load_checkpoint(checkpoint, sha256)
        self._builder = f'{builder.__module__}.{builder.__qualname__}'
        self._sam = builder()
        self._load(state, checkpoint)
        # After loading: MobileSAM's encoder derives buffers from its
        # weights when it enters eval mode.
        self._sam.requires_grad_(False).eval()
        fuse_attention(self._sam.image_encoder)
        self.mask_threshold = self._sam.mask_threshold
        decoder = PlacedDecoder(
            self._sam.prompt_encoder, self._sam.mask_decoder, dtype
        )
        self.use(self._sam, decoder)
        self._encode = self._sam.image_encoder
        if compile:
            self._encode = torch.compile(self._encode, dynamic=False)
        # Models share the predictor's API, but not one package.
        package = type(self._sam).__module__.rpartition('.modeling')[0]
        transforms = import_module(
            f'{package or "segment_anything"}.utils.transforms'
        )
        self._transform = transforms.ResizeLongestSide(
            self._sam.image_encoder.img_size
        )

    def _load(self, state: dict, checkpoint: str | os.PathLike) -> None:
        """Loads weights; raises if the model is another one."""
        if 'HQ' in type(self._sam.mask_decoder).__name__:
            raise ValueError(
                f'SAMSegmenter got builder={self._builder}, which makes a '
                'SAM-HQ, expected a SAM or MobileSAM; use '
                'configs/_base_/segmenters/sam_hq.py, which runs SAM-HQ with '
                "type='TransformersSegmenter'."
            )
        try:
            self._sam.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f'The checkpoint {checkpoint} does not fit the model of '
                f'builder={self._builder}; choose the builder that it was '
                'made with.'
            ) from error

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`; the same on all devices."""
        return dict(
            type=type(self).__name__,
            builder=self._builder,
            checkpoint=self._sha256,
            dtype=self.dtype,
            mask_version=MASK_VERSION,
        )

    def encode_image(self, image: np.ndarray) -> NetworkEmbedding:
        """See `NetworkSegmenter.encode_image`."""
        resized = self._transform.apply_image(image)
        pixels = torch.as_tensor(resized, device=self._sam.device)
        pixels = pixels.permute(2, 0, 1).contiguous()
        with self._encoding, autocast(self.dtype, pixels.device):
            features = self._encode(self._sam.preprocess(pixels)[None])
        return NetworkEmbedding(
            levels=[features],
            image_size=image.shape[:2],
            input_size=tuple(pixels.shape[1:]),
        )


def _import_builder(path: str) -> Callable[[], nn.Module]:
    module, _, name = path.rpartition('.')
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        remedy = 'correct the dotted path'
        if isinstance(error, ImportError):
            # The missing one may be a package that the builder's needs.
            package = (error.name or module).partition('.')[0]
            source = _SOURCES.get(package, package)
            remedy = f'install {source} or {remedy}'
        raise ImportError(
            f'SAMSegmenter could not import builder={path!r} ({error}); '
            f'{remedy}.'
        ) from error
