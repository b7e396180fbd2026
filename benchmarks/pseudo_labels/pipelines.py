"""Pipelines with SAM, from image and weak label to a PNG."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

import numpy as np
import torch
from PIL import Image
from segment_anything import SamPredictor, build_sam_vit_b, build_sam_vit_h
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import nn

from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.prompts import PointPrompt, SkeletonPrompter
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import BaseSegmenter, MaskCandidates

# With random weights, the default limits would reject all masks.
SELECTOR = dict(
    type='CoverageMaskSelector', max_conflict=1.0, min_reliability=0.0
)


def build_small_sam() -> Sam:
    """Returns Segment Anything with a small image encoder."""
    encoder = ImageEncoderViT(
        img_size=1024,
        patch_size=16,
        embed_dim=32,
        depth=2,
        num_heads=2,
        out_chans=256,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=14,
    )
    prompts = PromptEncoder(
        embed_dim=256,
        image_embedding_size=(64, 64),
        input_image_size=(1024, 1024),
        mask_in_chans=16,
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(
            depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8
        ),
        transformer_dim=256,
    )
    return Sam(encoder, prompts, decoder)


MODELS: dict[str, Callable[[], Sam]] = {
    'small': build_small_sam,
    'vit_b': build_sam_vit_b,
    'vit_h': build_sam_vit_h,
}


def save_weights(model: str, folder: Path) -> Path:
    """Writes random weights of a model, with a fixed seed."""
    torch.manual_seed(1)
    path = folder / f'{model}.pth'
    torch.save(MODELS[model]().state_dict(), path)
    return path


class WholeImagePrompter(SkeletonPrompter):
    """Computes the skeleton of each component at the size of the image."""

    def __call__(self, components: list[Component]) -> list[list[PointPrompt]]:
        height = max(component.bbox[2] for component in components)
        width = max(component.bbox[3] for component in components)
        full_size = []
        for component in components:
            mask = np.zeros((height, width), bool)
            mask[component.pixels] = True
            box = (0, 0, height, width)
            full_size.append(replace(component, bbox=box, mask=mask))
        return super().__call__(full_size)


class PredictorSegmenter(BaseSegmenter):
    """Calls a `SamPredictor` for each prompt, which returns full-size masks.

    Args:
        sam: the model.
        bf16: whether the model runs under bf16 autocast.
    """

    fingerprint = dict(type='PredictorSegmenter')

    def __init__(self, sam: Sam, bf16: bool = False) -> None:
        self._predictor = SamPredictor(sam)
        self._autocast = partial(
            torch.autocast, sam.device.type, torch.bfloat16, enabled=bf16
        )

    def encode(self, images: Sequence[np.ndarray]) -> list[None]:
        with self._autocast():
            (image,) = images
            self._predictor.set_image(image)
        return [None]

    def decode(
        self, embedding: None, prompts: Sequence[PointPrompt]
    ) -> MaskCandidates:
        with self._autocast():
            masks, scores = zip(*map(self._predict, prompts))
        return MaskCandidates(np.stack(masks), np.stack(scores).clip(0, 1))

    def _predict(self, prompt: PointPrompt) -> tuple[np.ndarray, np.ndarray]:
        """Returns (3, H, W) masks and (3,) scores of one prompt.

        `SamPredictor.predict` does the same, and fails at bf16 scores, which
        numpy does not have.
        """
        predictor = self._predictor
        points = predictor.transform.apply_coords(
            prompt.points, predictor.original_size
        )
        points = torch.as_tensor(points, device=predictor.device)[None].float()
        inside = torch.ones_like(points[..., 0], dtype=torch.int)
        masks, scores, _ = predictor.predict_torch(points, inside)
        return masks[0].cpu().numpy(), scores[0].float().cpu().numpy()


class Pipelines:
    """Rows A to E and 'refresh' for one model, on one image.

    A and B find components and select masks as C does. A plain loop would be
    slower, see `cpu_stage`.

    Args:
        model: a name in `MODELS`.
        folder: folder for weights and PNGs.
        device: device of the model.
        compile: whether the encoder of C is compiled.
        image: (H, W, 3) uint8.
        label: (H, W) uint8 weak label.
    """

    def __init__(
        self,
        model: str,
        folder: Path,
        device: str,
        compile: bool,
        image: np.ndarray,
        label: np.ndarray,
    ) -> None:
        weights = save_weights(model, folder)
        cuda = torch.device(device).type == 'cuda'
        sam = MODELS[model]()
        sam.load_state_dict(torch.load(weights, weights_only=True))
        sam.eval().to(device)
        self._input = image, label
        self._path = folder / 'label.png'
        self._plain = self._generator(
            WholeImagePrompter(), PredictorSegmenter(sam)
        )
        self._crops = self._generator(
            SkeletonPrompter(), PredictorSegmenter(sam, bf16=cuda)
        )
        ours = dict(
            type='SAMSegmenter',
            checkpoint=str(weights),
            sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
            builder=MODELS[model],
            dtype='bf16' if cuda else 'fp32',
            compile=compile,
        )
        cached = dict(type='CachedSegmenter', segmenter=ours)
        self._ours, self._refresh = (
            PseudoLabelGenerator(segmenter, selector=SELECTOR)
            for segmenter in (ours, cached)
        )
        for generator in (self._ours, self._refresh):
            generator.segmenter.to(device)

    def rows(self) -> dict[str, Callable[[], np.ndarray | None]]:
        """Returns the functions to measure; A to C return pseudo-labels."""
        embedding = self._ours.segmenter.encode([self._input[0]])[0]
        # Fills the cache of embeddings.
        self._refresh(*self._input)
        return {
            'A plain': lambda: self._make(self._plain, self._write_slowly),
            'B bounding boxes': lambda: self._make(
                self._crops, self._write_slowly
            ),
            'C ours': lambda: self._make(self._ours, self._write),
            'refresh': lambda: self._make(self._refresh, self._write),
            'D encoder': self._encode,
            'E decoder': partial(self._decode, embedding, self.prompts()),
        }

    def _generator(
        self, prompter: SkeletonPrompter, segmenter: BaseSegmenter
    ) -> PseudoLabelGenerator:
        # All labelled pixels are compared, one component at a time.
        generator = PseudoLabelGenerator(
            dict(type='SuperpixelSegmenter'),
            selector=SELECTOR,
            max_labelled_pixels=10**9,
            prompts_per_call=1,
        )
        generator.prompter, generator.segmenter = prompter, segmenter
        return generator

    def _make(
        self,
        generator: PseudoLabelGenerator,
        write: Callable[[np.ndarray], None],
    ) -> np.ndarray:
        pseudo_label = generator(*self._input).label
        write(pseudo_label)
        return pseudo_label

    def _write_slowly(self, label: np.ndarray) -> None:
        Image.fromarray(label).save(self._path, compress_level=9)

    def _write(self, label: np.ndarray) -> None:
        write_label(self._path, label)

    def _encode(self) -> None:
        self._ours.segmenter.encode([self._input[0]])

    def _decode(self, embedding: Any, prompts: list[PointPrompt]) -> None:
        size = self._ours.prompts_per_call
        for start in range(0, len(prompts), size):
            self._ours.segmenter.decode(
                embedding, prompts[start : start + size]
            )

    def prompts(self) -> list[PointPrompt]:
        """Returns all prompts of the image, which E decodes."""
        components = find_components(self._input[1])
        return [p for own in self._ours.prompter(components) for p in own]
