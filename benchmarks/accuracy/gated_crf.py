"""A published peer: the gated CRF loss on weak labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_sesam.models import MixedLoss, SeSAMEncoderDecoder


@MODELS.register_module()
class GatedCRFLoss(MixedLoss):
    """Adds the gated CRF loss of Obukhov et al. (arXiv 1906.04651).

    Pairs of pixels that are near and alike pay for different predictions.
    It needs neither SAM nor a teacher; weights and widths are the paper's,
    its window of 11 x 11 pixels is taken at half of the resolution, with a
    radius of 3, which a CPU can afford.

    Args:
        crf_weight: of the loss.
        radius: of the window, in pixels of half the resolution.
        sigma_xy: width of the kernel over places, in full pixels.
        sigma_rgb: width of the kernel over colours in [0, 1].
        **kwargs: of the `MixedLoss`.
    """

    def __init__(
        self,
        crf_weight: float = 0.1,
        radius: int = 3,
        sigma_xy: float = 6.0,
        sigma_rgb: float = 0.1,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.crf_weight = crf_weight
        self.radius = radius
        self.sigma_xy = sigma_xy
        self.sigma_rgb = sigma_rgb
        # (N, 3, H, W) float images in [-1, 1], as the segmentor gives them.
        self.images: Tensor | None = None

    def forward(self, logits: Tensor, *args) -> dict[str, Tensor]:
        losses = super().forward(logits, *args)
        paid = self.crf(logits.softmax(dim=1))
        losses['loss_crf'] = self.crf_weight * paid
        return losses

    def crf(self, probability: Tensor) -> Tensor:
        """Mean over pixels of what their neighbours make them pay."""
        half = F.interpolate(probability, scale_factor=0.5, mode='area')
        images = F.interpolate(self.images, scale_factor=0.5, mode='area') / 2
        total = half.new_zeros(())
        for down in range(self.radius + 1):
            for right in range(-self.radius, self.radius + 1):
                # Each pair once.
                if down or right > 0:
                    total = total + self._pairs(half, images, down, right)
        count, _, height, width = half.shape
        return 2 * total / (count * height * width)

    def _pairs(
        self, probability: Tensor, images: Tensor, down: int, right: int
    ) -> Tensor:
        """What all pairs of pixels at one offset pay."""
        one, other = _shifted(images, down, right)
        with torch.no_grad():
            apart = (2 * down) ** 2 + (2 * right) ** 2
            colours = (one - other).square().sum(dim=1)
            kernel = torch.exp(
                -apart / (2 * self.sigma_xy**2)
                - colours / (2 * self.sigma_rgb**2)
            )
        one, other = _shifted(probability, down, right)
        return (kernel * (1 - (one * other).sum(dim=1))).sum()


@MODELS.register_module()
class GatedCRFEncoderDecoder(SeSAMEncoderDecoder):
    """Shows its loss the images as they are before colours are changed."""

    def loss(self, inputs: Tensor | dict, data_samples: list) -> dict:
        views = inputs if isinstance(inputs, dict) else {}
        self.mixed_loss.images = views.get('teacher', inputs)
        return super().loss(inputs, data_samples)


def _shifted(maps: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """Pixels of (N, C, H, W) maps, and those `down` and `right` of them."""
    height, width = maps.shape[2:]
    left = max(-right, 0)
    one = maps[:, :, : height - down, left : width - max(right, 0)]
    other = maps[:, :, down:, max(right, 0) : width - left]
    return one, other
