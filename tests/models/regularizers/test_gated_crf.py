"""The gated CRF loss against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.regularizers import GatedCRFLoss
from mmseg_sesam.models.regularizers.gated_crf import gated_crf


def everywhere(images: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(images[:, 0], dtype=torch.bool)


def test_gated_crf_ignores_padding() -> None:
    torch.manual_seed(0)
    probability = torch.rand(2, 3, 12, 16).softmax(dim=1)
    images = torch.rand(2, 3, 12, 16)
    inside = everywhere(images)
    padded = [
        torch.nn.functional.pad(maps, (0, 10, 0, 8))
        for maps in (probability, images, inside)
    ]
    torch.testing.assert_close(
        gated_crf(*padded), gated_crf(probability, images, inside)
    )
    assert gated_crf(probability, images, ~inside) == 0


@pytest.mark.parametrize(('height', 'width'), [(12, 16), (4, 16), (12, 2)])
def test_gated_crf_equals_a_sum_over_neighbours(
    height: int, width: int
) -> None:
    torch.manual_seed(0)
    probability = torch.rand(2, 3, height, width).softmax(dim=1)
    images = torch.rand(2, 3, height, width)
    found = gated_crf(probability, images, everywhere(images))

    half = torch.nn.functional.avg_pool2d(probability, 2).double()
    images = torch.nn.functional.avg_pool2d(images, 2).double()
    total = 0.0
    rows, cols = height // 2, width // 2
    for n, row, col in np.ndindex(2, rows, cols):
        for down, right in np.ndindex(7, 7):
            there = row + down - 3, col + right - 3
            inside = 0 <= there[0] < rows and 0 <= there[1] < cols
            if not inside or there == (row, col):
                continue
            one, other = (n, slice(None), row, col), (n, slice(None), *there)
            apart = 4 * ((down - 3) ** 2 + (right - 3) ** 2)
            colours = (images[one] - images[other]).square().sum()
            kernel = torch.exp(torch.tensor(-apart / 72) - colours / 0.02)
            total += kernel * (1 - (half[one] * half[other]).sum())

    expected = total.item() / (2 * rows * cols)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_gated_crf_in_half_precision() -> None:
    torch.manual_seed(0)
    probability = torch.rand(1, 3, 8, 12).softmax(dim=1).half()
    probability.requires_grad_()
    images = torch.rand(1, 3, 8, 12) / 5
    paid = gated_crf(probability, images, everywhere(images))
    assert paid.dtype == torch.float32
    paid.backward()
    assert probability.grad.dtype == torch.half
    assert (probability.grad < 0).all()


def test_gated_crf_gradient_is_that_of_the_value() -> None:
    torch.manual_seed(0)
    logits = torch.rand(1, 3, 8, 12, requires_grad=True)
    images = torch.rand(1, 3, 8, 12) / 5
    inside = everywhere(images)
    inside[..., 8:] = False

    def paid(logits: torch.Tensor) -> torch.Tensor:
        return gated_crf(logits.softmax(dim=1), images, inside)

    (gradient,) = torch.autograd.grad(paid(logits), logits)
    for direction in torch.randn(5, *logits.shape):
        step = 0.01 * direction
        change = paid(logits + step) - paid(logits - step)
        assert change.item() == pytest.approx(
            2 * (gradient * step).sum().item(), rel=0.02
        )


def test_gated_crf_of_an_edge_is_least_on_an_image_edge():
    images = torch.zeros(1, 3, 16, 32)
    images[..., 16:] = 1

    def paid(edge: int) -> float:
        probability = torch.zeros(1, 2, 16, 32)
        probability[:, 0, :, :edge] = 1
        probability[:, 1, :, edge:] = 1
        return gated_crf(probability, images, everywhere(images)).item()

    assert paid(16) < 1e-6 < paid(8)
    assert paid(24) == pytest.approx(paid(8))
    assert paid(32) == 0


def test_gated_crf_loss_is_weighted() -> None:
    torch.manual_seed(0)
    logits, images = torch.rand(2, 1, 3, 8, 12)
    inside = everywhere(images)
    nothing = torch.full((1, 8, 12), 255, dtype=torch.uint8)
    found = GatedCRFLoss(loss_weight=0.3)(
        logits, images, LabelMaps(dict(weak=nothing), inside)
    )
    energy = gated_crf(logits.softmax(dim=1), images, inside)
    torch.testing.assert_close(found, 0.3 * energy)


def test_gated_crf_loss_leaves_dense_and_unlabelled_images_out() -> None:
    torch.manual_seed(0)
    logits = torch.rand(4, 3, 8, 12)
    images = torch.rand(4, 3, 8, 12)
    label = torch.full((4, 8, 12), 255, dtype=torch.uint8)
    loss = GatedCRFLoss()

    def paid(rows: list[int], *kinds: str | None) -> torch.Tensor:
        maps = LabelMaps(dict(weak=label[rows]), label[rows] == 255, kinds)
        return loss(logits[rows], images[rows], maps)

    mixed = paid([0, 1, 2, 3], 'dense', 'scribble', 'none', None)
    assert mixed == paid([1, 3], 'scribble', None)
    assert mixed == paid([1, 3])
    assert paid([0, 2], 'dense', 'none') == 0
