"""The gated CRF loss: similar neighbours get the same class."""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.structures import DENSE, NO_LABEL
from mmseg_sesam.validators import check_options, number

# The paper's values, except its window of 11 x 11 full pixels.
RADIUS = 3
SIGMA_XY = 6.0
SIGMA_RGB = 0.1


@MODELS.register_module()
class GatedCRFLoss(nn.Module):
    """Gated CRF energy: nearby pixels of similar colour get one class.

    A pair of pixels costs `1 - sum_c p_c q_c`, weighted by a Gaussian of
    their distance and of their difference in colour. Weak labels say little
    about outlines, and this loss moves outlines of the prediction to edges
    of the image. Use it for coarse masks and scribbles; it made points worse
    (docs/choosing.md). Images of the kinds 'dense' and 'none' are left out:
    outlines of dense labels are known, and without a label nothing keeps a
    frequent class from spreading over its neighbours (our choice, measured
    in docs/lab_notebook.md).

    Source: gated CRF loss, Obukhov et al., 2019 (arXiv 1906.04651), with its
    widths. It is computed at half of the resolution, in a window of 7 x 7
    (our choice, a quarter of the cost).

    Args:
        loss_weight: factor of the energy; 0.1 is the paper's.

    Example:
        >>> loss = GatedCRFLoss(loss_weight=0.1)
        >>> label = torch.full((1, 8, 8), 255, dtype=torch.uint8)
        >>> maps = LabelMaps(dict(weak=label), label == 255)
        >>> loss(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), maps) > 0
        tensor(True)
    """

    name = 'crf'

    def __init__(self, loss_weight: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        check_options(self, loss_weight=number(at_least=0))

    def forward(
        self, logits: Tensor, images: Tensor, maps: LabelMaps
    ) -> Tensor:
        """Returns the weighted energy, a scalar.

        Args:
            logits: (N, C, H, W) of the decode head.
            images: (N, C, H, W) float; black and white differ by 1.
            maps: labels of the batch.
        """
        inside, kinds = maps.inside, maps.kinds
        kept = [i for i, k in enumerate(kinds) if k not in (DENSE, NO_LABEL)]
        if len(kept) < len(kinds):
            logits, images, inside = logits[kept], images[kept], inside[kept]
        energy = gated_crf(logits.softmax(dim=1), images, inside)
        return self.loss_weight * energy


def gated_crf(probability: Tensor, images: Tensor, inside: Tensor) -> Tensor:
    """Returns the mean energy of the pixels inside.

    Only its first derivative is right.
    """
    # Contiguous, because sums over rows of pixels are the fast ones.
    half, images, share = (
        F.avg_pool2d(maps.float(), 2).contiguous()
        for maps in (probability, images, inside[:, None])
    )
    gate = (share == 1).float()
    weights, alike = _neighbours(half.detach(), images, gate)
    # The sum has the value of `half * alike`. Its gradient is right, too,
    # because each pair counts from both ends, and autograd keeps no pairs.
    agreed = (2 * half - half.detach()) * alike
    energy = (weights - agreed.sum(dim=1)).sum()
    return energy / gate.sum().clamp_min(1)


@torch.no_grad()
def _neighbours(
    probability: Tensor, images: Tensor, gate: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns sums over the window around each pixel.

    The weights' sums are (N, h, w), those of weighted probabilities
    (N, C, h, w).
    """
    weights = torch.zeros_like(gate)
    alike = torch.zeros_like(probability)
    for down, right in product(range(RADIUS + 1), range(-RADIUS, RADIUS + 1)):
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
    """Returns the weights of all pairs at one offset, (N, 1, h, w)."""
    one, other = _shifted(images, down, right)
    # Distance in full pixels, squared.
    apart = (2 * down) ** 2 + (2 * right) ** 2
    colours = (one - other).square().sum(dim=1, keepdim=True)
    kernel = torch.exp(
        -apart / (2 * SIGMA_XY**2) - colours / (2 * SIGMA_RGB**2)
    )
    one, other = _shifted(gate, down, right)
    return kernel * one * other


def _shifted(maps: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """Returns views of all pixels, and of those `down` and `right` of them."""
    height, width = maps.shape[2:]
    rows, cols = max(height - down, 0), max(width - abs(right), 0)
    left, start = max(-right, 0), max(right, 0)
    one = maps[:, :, :rows, left : left + cols]
    return one, maps[:, :, down : down + rows, start : start + cols]
