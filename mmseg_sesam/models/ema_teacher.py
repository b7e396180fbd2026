"""Teacher: an exponential moving average of the student."""

from __future__ import annotations

import torch
from mmseg.models import EncoderDecoder
from torch import Tensor, nn


class EMATeacher(EncoderDecoder):
    """Stock segmentor that averages a student's weights over the steps.

    Source: mean teacher (Tarvainen and Valpola, 2017). The average starts
    as a copy of the student. It is the plain mean of all steps in the first
    `1 / (1 - momentum)` steps, so that the random start soon has no weight,
    and an exponential average after them.

    Args:
        momentum: share of its weights that the teacher keeps in a step
            after the first `1 / (1 - momentum)` steps.
        **cfg: options of `EncoderDecoder`, without auxiliary heads.
    """

    def __init__(self, momentum: float, **cfg) -> None:
        super().__init__(**cfg)
        self.momentum = momentum
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> EMATeacher:
        """Stays in evaluation mode when the student is set to training."""
        return super().train(False)

    def init_weights(self) -> None:
        """Keeps the weights: the first step copies the student's."""

    @torch.no_grad()
    def follow(self, student: nn.Module, step: int) -> None:
        """Moves the weights towards a student's, which made `step` steps."""
        rate = max(1 - self.momentum, 1 / (step + 1))
        theirs = _tensors(student)
        pairs = []
        for name, own in _tensors(self).items():
            if own.is_floating_point():
                pairs.append((own, theirs[name]))
            else:
                own.copy_(theirs[name])
        torch._foreach_lerp_(*map(list, zip(*pairs)), rate)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Returns (N, C, h, w) logits at the size of the head's output."""
        return self.decode_head(self.extract_feat(images))


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return dict([*module.named_parameters(), *module.named_buffers()])
