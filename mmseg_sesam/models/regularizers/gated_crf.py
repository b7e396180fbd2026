"""The gated CRF loss: neighbours that look alike are of one class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# The paper's, but for its window of 11 x 11 full pixels.
RADIUS = 3
SIGMA_XY = 6.0
SIGMA_RGB = 0.1


def gated_crf(probability: Tensor, images: Tensor, inside: Tensor) -> Tensor:
    """What pixels pay for predictions that differ from their neighbours'.

    Pairs of pixels that are near and of like colours pay
    `1 - sum_c p_c q_c`, weighed by a Gaussian of places and colours.

    Source: gated CRF loss, Obukhov et al., 2019 (arXiv 1906.04651), with its
    widths; computed at half of the resolution, in a window of 7 x 7 (our
    choice, a quarter of the cost).

    Args:
        probability: (N, C, H, W) float, of the classes.
        images: (N, 3, H, W) float, as shown to the network but for changed
            colours; a range of 1 is that from black to white.
        inside: (N, H, W) bool, the gate: pixels that count.

    Returns:
        A scalar, the mean over pixels inside. Its first derivative alone is
        right.
    """
    # Contiguous, since sums over rows of pixels are the fast ones.
    half, images, share = (
        F.avg_pool2d(maps.float(), 2).contiguous()
        for maps in (probability, images, inside[:, None])
    )
    gate = (share == 1).float()
    weights, alike = _neighbours(half.detach(), images, gate)
    # Summed, has the value of `half * alike`, and its gradient, since each
    # pair counts from both ends: autograd need not keep all pairs.
    agreed = (2 * half - half.detach()) * alike
    paid = (weights - agreed.sum(dim=1)).sum()
    return paid / gate.sum().clamp_min(1)


@torch.no_grad()
def _neighbours(
    probability: Tensor, images: Tensor, gate: Tensor
) -> tuple[Tensor, Tensor]:
    """What pixels have around them.

    Returns:
        (N, h, w) sums of the weights of a pixel's neighbours, and
        (N, C, h, w) of their weighed probabilities.
    """
    weights = torch.zeros_like(gate)
    alike = torch.zeros_like(probability)
    for down in range(RADIUS + 1):
        for right in range(-RADIUS, RADIUS + 1):
            # Each pair once.
            if down or right > 0:
                kernel = _kernel(images, gate, down, right)
                for sums in _shifted(weights, down, right):
                    sums.add_(kernel)
                one, other = _shifted(probability, down, right)
                at_one, at_other = _shifted(alike, down, right)
                at_one.addcmul_(kernel, other)
                at_other.addcmul_(kernel, one)
    return weights[:, 0], alike


def _kernel(images: Tensor, gate: Tensor, down: int, right: int) -> Tensor:
    """Weights of all pairs of pixels at one offset, (N, 1, h, w)."""
    one, other = _shifted(images, down, right)
    # In full pixels.
    apart = (2 * down) ** 2 + (2 * right) ** 2
    colours = (one - other).square().sum(dim=1, keepdim=True)
    kernel = torch.exp(
        -apart / (2 * SIGMA_XY**2) - colours / (2 * SIGMA_RGB**2)
    )
    one, other = _shifted(gate, down, right)
    return kernel * one * other


def _shifted(maps: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """Pixels of (N, C, H, W) maps, and those `down` and `right` of them."""
    height, width = maps.shape[2:]
    rows = max(height - down, 0)
    cols = max(width - abs(right), 0)
    left, start = max(-right, 0), max(right, 0)
    one = maps[:, :, :rows, left : left + cols]
    other = maps[:, :, down : down + rows, start : start + cols]
    return one, other
