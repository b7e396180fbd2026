"""Predictions of a run's checkpoint: teacher, student and features."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmseg.apis import init_model
from torch import Tensor, nn

from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.engine.downloads import drop_downloads


class Prediction(NamedTuple):
    """The predictions of one image.

    Attributes:
        by: (C, H, W) float32 probabilities, by 'student' and 'teacher'.
        features: (D,) float32, mean over the last map of the student's
            backbone.
    """

    by: dict[str, Tensor]
    features: Tensor


class Predictor:
    """Predicts with the student, and with the teacher if there is one.

    Images are resized as in validation and in a refresh.

    Args:
        cfg: config of the run.
        checkpoint: path of its checkpoint.
        device: such as 'cpu'.
    """

    def __init__(self, cfg: Config, checkpoint: str, device: str) -> None:
        drop_downloads(cfg)
        self.model = init_model(cfg, checkpoint, device=device)
        self.scale = ValidationResize.of_config(cfg)
        self.models: dict[str, nn.Module] = dict(student=self.model)
        teacher = getattr(self.model, 'teacher', None)
        if teacher is not None:
            self.models['teacher'] = teacher

    @torch.no_grad()
    def __call__(self, packed: dict[str, Any]) -> Prediction:
        """Predicts one image, as a pipeline that only loads packs it."""
        batch = dict(
            inputs=[packed['inputs']], data_samples=[packed['data_samples']]
        )
        data = self.model.data_preprocessor(self.scale(batch), False)
        pooled: list[Tensor] = []
        hook = self.model.backbone.register_forward_hook(
            lambda module, inputs, output: pooled.append(_pool(output))
        )
        try:
            by = {
                name: _probability(model, data)
                for name, model in self.models.items()
            }
        finally:
            hook.remove()
        # Of all windows, if the model predicts by windows.
        return Prediction(by, torch.stack(pooled).mean(dim=0).float().cpu())


def _pool(output: Any) -> Tensor:
    """Returns (D,), the mean over the places of the last feature map."""
    while not isinstance(output, Tensor):
        output = output[-1]
    return output.flatten(2).mean(dim=(0, 2))


def _probability(model: nn.Module, data: dict) -> Tensor:
    (sample,) = model.predict(data['inputs'], data['data_samples'])
    logits = sample.seg_logits.data.float()
    if len(logits) == 1:
        one = logits.sigmoid()
        return torch.cat([1 - one, one]).cpu()
    return logits.softmax(dim=0).cpu()
