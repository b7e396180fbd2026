"""A segmenter with a SAM of transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam import validators
from mmseg_sesam.segmenters.batching import NetworkEmbedding
from mmseg_sesam.segmenters.devices import autocast
from mmseg_sesam.segmenters.network import NetworkSegmenter
from mmseg_sesam.segmenters.transformers_sam.decoder import (
    TransformersDecoder,
    keep_positions_in_fp32,
)
from mmseg_sesam.segmenters.transformers_sam.loading import load_model

# Raise it whenever the same weights give other masks.
MASK_VERSION = 1


@TASK_UTILS.register_module()
class TransformersSegmenter(NetworkSegmenter):
    """Returns masks of SAM, SAM-HQ, SAM 2.1 or SAM 3 from transformers.

    The masks are those of the model's own processor with
    `multimask_output=True`: three candidates for a prompt. The weights are
    loaded on construction, so that errors are found early. It needs the
    extra `transformers` of the package. docs/segmenters.md compares the
    models.

    Args:
        model: folder of a model, with config.json, the processor's config
            and weights, or the model's name on the hub, 'OWNER/NAME'. The
            class follows from config.json.
        revision: commit of a model on the hub, 40 hex digits. A branch or
            tag may move, and is refused.
        sha256: sha256 of the weights; needed for a file pytorch_model.bin.
            For weights in several files, that of the files one after
            another in the order of their names.
        download: whether to download the files of a model on the hub that
            are not in its cache. By default only the cache is read.
        dtype: 'fp32', or 'bf16' or 'fp16' for automatic mixed precision of
            the image encoder and the mask decoder, or 'auto': 'bf16' on a
            GPU that computes it, else 'fp32'.
        decode_batch: most prompts decoded at once, see `BatchDecoder`; by
            default 2 on a CPU and 64 elsewhere. Lower it if a warning says
            that memory was short.

    Raises:
        ImportError: transformers is missing, or has no such model.
        ValueError: an option is wrong, or files are not those of a SAM; see
            `load_model` for this and other errors.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        sha256: str | None = None,
        download: bool = False,
        dtype: str = 'fp32',
        decode_batch: int | None = None,
    ) -> None:
        super().__init__(dtype, decode_batch)
        owner = type(self).__name__
        for name, value, rule in (
            ('model', model, validators.PATH),
            ('revision', revision, validators.TEXT.or_none()),
            ('sha256', sha256, validators.SHA256.or_none()),
            ('download', download, validators.FLAG),
        ):
            validators.check_option(owner, name, value, rule)
        loaded = load_model(model, revision, sha256, download)
        self._family = loaded.family
        self._digests = loaded.digests
        self._processor = loaded.processor
        self._model = loaded.model.requires_grad_(False).eval()
        keep_positions_in_fp32(self._model)
        decoder = TransformersDecoder(self._model, self._family, dtype)
        self.use(self._model, decoder)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """See `BaseSegmenter.fingerprint`; the same on all devices."""
        return dict(
            type=type(self).__name__,
            model=self._family.model,
            files=self._digests,
            dtype=self.dtype,
            mask_version=MASK_VERSION,
        )

    def encode_image(self, image: np.ndarray) -> NetworkEmbedding:
        """See `NetworkSegmenter.encode_image`."""
        # On the CPU, where resizing gives the same for all devices. The
        # processor would take an image with three rows for channels first,
        # and none that is a mirrored view.
        inputs = self._processor(
            np.ascontiguousarray(image),
            input_data_format='channels_last',
            return_tensors='pt',
        )
        pixels = inputs['pixel_values'].to(self.device)
        # Models that pad say which part is the image.
        sizes = inputs.get('reshaped_input_sizes', [pixels.shape[2:]])
        with self._encoding, autocast(self.dtype, self.device):
            output = self._model.get_image_embeddings(pixels)
        return NetworkEmbedding(
            levels=self._family.split(output),
            image_size=image.shape[:2],
            input_size=tuple(int(side) for side in sizes[0]),
        )
