"""The pipeline of each model in transformers."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.prompts import PointPrompt

from .tiny_models import CLASSES, transformers


class Pipeline:
    """Processor, model and `post_process_masks`, as their docs use them.

    Args:
        family: a name in `CLASSES`.
        folder: folder of the model.
        bf16: whether the model runs under bf16 autocast, except positions;
            feature maps are in fp32.
    """

    def __init__(self, family: str, folder: Path, bf16: bool = False) -> None:
        model, processor = (
            getattr(transformers, name).from_pretrained(folder)
            for name in CLASSES[family]
        )
        self._model, self._processor = model.eval(), processor
        self._autocast = partial(
            torch.autocast, 'cpu', torch.bfloat16, enabled=bf16
        )
        for module in (model.prompt_encoder, model.shared_image_embedding):
            _leave_autocast(module)
        for name in ('conv_s0', 'conv_s1'):
            if hasattr(model.mask_decoder, name):
                layer = getattr(model.mask_decoder, name)
                layer.register_forward_hook(lambda *call: call[-1].float())

    @torch.inference_mode()
    def __call__(
        self, image: np.ndarray, prompts: list[PointPrompt]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns (P, M, H, W) bool masks and (P, M) scores.

        The prompts, of equal numbers of points, are decoded at once.
        """
        inputs = self._processor(
            images=image,
            input_points=[[prompt.points.tolist() for prompt in prompts]],
            input_labels=[[[1] * len(prompt.points) for prompt in prompts]],
            input_data_format='channels_last',
            return_tensors='pt',
        )
        names = [name for name in inputs if name.endswith('_sizes')]
        sizes = {name: inputs.pop(name) for name in names}
        with self._autocast():
            output = self._model(**inputs)
        masks = self._processor.post_process_masks(
            output.pred_masks.float(), **sizes
        )
        return masks[0].numpy(), output.iou_scores[0].float().numpy()


def compare(
    candidates: Candidates,
    pipeline: Pipeline,
    image: np.ndarray,
    prompts: list[PointPrompt],
    together: bool = False,
) -> tuple[float, float]:
    """Returns the least share of equal pixels, and the largest difference
    of scores, over all masks.

    With `together` the pipeline decodes all prompts of equal numbers of
    points at once, else each prompt alone.
    """

    def count(place: int) -> int:
        return len(prompts[place].points)

    places = sorted(range(len(prompts)), key=count)
    batches = [[place] for place in places]
    if together:
        batches = [list(batch) for _, batch in groupby(places, key=count)]
    agreement, difference = 1.0, 0.0
    for batch in batches:
        masks, scores = pipeline(image, [prompts[place] for place in batch])
        found = candidates.scores[batch]
        assert found.shape == scores.shape
        apart = np.abs(found - scores.clip(0, 1))
        difference = max(difference, float(apart.max()))
        for place, own in zip(batch, masks):
            for number, mask in enumerate(own):
                equal = candidates.mask(place, number) == mask
                agreement = min(agreement, float(equal.mean()))
    return agreement, difference


def _leave_autocast(module: nn.Module) -> None:
    forward = module.forward

    def forward_in_fp32(*args: Any, **options: Any) -> Any:
        with torch.autocast('cpu', enabled=False):
            return forward(*args, **options)

    module.forward = forward_in_fp32
