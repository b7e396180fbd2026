"""The peer's loss against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.accuracy.gated_crf import GatedCRFLoss


def test_neighbours_that_look_alike_pay_for_other_predictions():
    torch.manual_seed(0)
    loss = GatedCRFLoss(radius=2)
    probability = torch.rand(2, 3, 12, 16).softmax(dim=1)
    loss.images = 2 * torch.rand(2, 3, 12, 16) - 1
    found = loss.crf(probability)

    # Means of 2 x 2 pixels, colours in [0, 1] but for a constant.
    half = torch.nn.functional.avg_pool2d(probability, 2).double()
    images = torch.nn.functional.avg_pool2d(loss.images, 2).double() / 2
    total = 0.0
    for n, row, col in np.ndindex(2, 6, 8):
        for down, right in np.ndindex(5, 5):
            there = row + down - 2, col + right - 2
            inside = 0 <= there[0] < 6 and 0 <= there[1] < 8
            if not inside or there == (row, col):
                continue
            one, other = (n, slice(None), row, col), (n, slice(None), *there)
            apart = 4 * ((down - 2) ** 2 + (right - 2) ** 2)
            colours = (images[one] - images[other]).square().sum()
            kernel = torch.exp(torch.tensor(-apart / 72) - colours / 0.02)
            total += kernel * (1 - (half[one] * half[other]).sum())

    assert found.item() == pytest.approx(total.item() / (2 * 6 * 8), rel=1e-4)
