"""What the networks of a run predict of an image: student and teacher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.engine.predictor import Predictor


class RunPrediction(NamedTuple):
    """What student and teacher predict of an image.

    Attributes:
        labels: (H, W) uint8 class ids, by 'student' and 'teacher'.
        entropy: (H, W) float32, that of their mean probabilities, 1 if all
            classes are equally probable.
        features: (D,) float32, mean over the last map of the student's
            backbone.
    """

    labels: dict[str, np.ndarray]
    entropy: np.ndarray
    features: np.ndarray


class RunPredictor:
    """Predicts with the student, and with the teacher if there is one.

    Images are changed as in validation and in a refresh, and predicted in
    bands of rows, see `Predictor`.

    Args:
        cfg: config of the run.
        checkpoint: path of its checkpoint.
        device: such as 'cpu'.

    Raises:
        ValueError: see `Predictor`.
    """

    def __init__(self, cfg: Config, checkpoint: str, device: str) -> None:
        self.predictor = Predictor(cfg, checkpoint, device, with_teacher=True)
        self.prepare = ValidationTransforms.of_config(cfg)
        student = self.predictor.model
        self.models: dict[str, nn.Module] = dict(student=student)
        teacher = getattr(student, 'teacher', None)
        if teacher is not None:
            self.models['teacher'] = teacher

    def __call__(self, packed: dict[str, Any]) -> RunPrediction:
        """Predicts one image, as a pipeline that only loads packs it."""
        batch = self.prepare(pseudo_collate([packed]))
        shape = tuple(packed['data_samples'].ori_shape[:2])
        labels = {name: np.empty(shape, np.uint8) for name in self.models}
        entropy = np.empty(shape, np.float32)
        pooled: list[Tensor] = []
        hook = self.models['student'].backbone.register_forward_hook(
            lambda module, inputs, output: pooled.append(_pool(output))
        )
        try:
            # Both have the same head, and so the same bands.
            for bands in zip(
                *(
                    self.predictor.bands(batch, model)
                    for model in self.models.values()
                )
            ):
                chances = [_probability(scores) for _, scores in bands]
                rows = bands[0][0]
                for label, chance in zip(labels.values(), chances):
                    label[rows] = chance.argmax(dim=0).byte().cpu().numpy()
                entropy[rows] = _entropy(chances).cpu().numpy()
        finally:
            hook.remove()
        # Of all windows, if the model predicts by windows.
        features = torch.stack(pooled).mean(dim=0).float().cpu().numpy()
        return RunPrediction(labels, entropy, features)


def _pool(output: Any) -> Tensor:
    """Returns (D,), the mean over the places of the last feature map."""
    *_, last = _feature_maps(output)
    return last.flatten(2).mean(dim=(0, 2))


def _feature_maps(output: Any) -> Iterator[Tensor]:
    """Yields the (N, D, H, W) maps of nested outputs of a backbone.

    Vision transformers may add a class token to each map.
    """
    if isinstance(output, (list, tuple)):
        for part in output:
            yield from _feature_maps(part)
    elif output.dim() == 4:
        yield output


def _probability(scores: Tensor) -> Tensor:
    """Returns the (C, h, W) probabilities of class scores."""
    if len(scores) == 1:
        one = scores.float().sigmoid()
        return torch.cat([1 - one, one])
    return scores.float().softmax(dim=0)


def _entropy(chances: list[Tensor]) -> Tensor:
    """Returns the (h, W) entropy of the mean probabilities, in [0, 1]."""
    mean = torch.stack(chances).mean(dim=0)
    entropy = torch.special.entr(mean).sum(dim=0)
    return (entropy / np.log(max(len(mean), 2))).clamp(0, 1)
