"""Constants that give a teacher's predictions known class shares."""

from __future__ import annotations

import torch
from mmengine import dist
from torch import Tensor, nn

from mmseg_sesam.core.class_shares import fit_constants

# Weight of a step in the running mean of predictions, and in the constants
# that follow it more slowly, so that they do not overshoot (our choice).
_MEAN_RATE, _RATE = 0.1, 0.025
# Logit of classes that the data set does not show.
_NEVER = -1e4
_TINY = 1e-6


class TeacherPrior(nn.Module):
    """Constants on the teacher's logits that give its classes known shares.

    With them the mean of the teacher's probabilities over training pixels
    approaches the shares. They follow a running mean in each step of an
    online teacher; a refresh fits them. A checkpoint of the model does not
    contain them.

    Args:
        shares: (C,) true shares, of sum 1. A class of share 0 is never
            predicted.

    Example:
        >>> prior = TeacherPrior(torch.tensor([0.75, 0.25]))
        >>> prior.fit(torch.full((9, 2), 0.5))
        >>> prior(torch.zeros(1, 2, 1, 1)).softmax(1).flatten()
        tensor([0.7500, 0.2500])
    """

    def __init__(self, shares: Tensor) -> None:
        super().__init__()
        for name, value in dict(
            shares=shares,
            constants=torch.zeros_like(shares),
            mean=torch.zeros_like(shares),
            steps=shares.new_zeros((), dtype=torch.long),
        ).items():
            self.register_buffer(name, value, persistent=False)
        self.reset()

    def forward(self, logits: Tensor) -> Tensor:
        """Returns (N, C, H, W) logits with the constants added."""
        return logits + self.constants[:, None, None]

    def reset(self) -> None:
        """Forgets all predictions; the constants are 0."""
        self.constants.zero_()[self.shares == 0] = _NEVER
        self.mean.copy_(self.shares)
        self.steps.zero_()

    @torch.no_grad()
    def follow(self, probability: Tensor, inside: Tensor) -> None:
        """Moves the constants after a batch of all ranks.

        Args:
            probability: (N, C, H, W), with the constants.
            inside: (N, H, W) bool pixels that count.
        """
        counted = inside & probability.sum(dim=1).isfinite()
        # A NaN times 0 would be NaN.
        kept = probability.masked_fill(~counted[:, None], 0)
        sums = kept.sum(dim=(0, 2, 3))
        total = torch.cat([sums, counted.sum().float()[None]])
        dist.all_reduce(total)
        batch = total[:-1] / total[-1].clamp_min(1)
        self.steps += 1
        rate = (1 / self.steps).clamp_min(_MEAN_RATE)
        self.mean.lerp_(batch, rate * (total[-1] > 0))
        ratio = self.shares.clamp_min(_TINY) / self.mean.clamp_min(_TINY)
        self.constants += _RATE * ratio.log() * (self.shares > 0)

    def fit(self, probability: Tensor) -> None:
        """Fits the constants to (N, C) probabilities without constants."""
        logs = probability[probability.isfinite().all(dim=1)]
        logs = logs.float().clamp_min(torch.finfo(torch.float).tiny).log_()
        shares = self.shares.double().cpu().numpy()
        constants = fit_constants(logs.cpu().numpy(), shares)
        self.reset()
        self.constants += self.constants.new_tensor(constants)
        # The running mean equals the shares: one batch must not replace it.
        self.steps.fill_(round(1 / _MEAN_RATE))

    def state(self) -> dict[str, Tensor]:
        """Returns the constants and what they follow, for a checkpoint."""
        return {n: b.cpu().clone() for n, b in self.named_buffers()}

    def restore(self, state: dict[str, Tensor]) -> bool:
        """Continues from the `state` of a checkpoint, if it fits.

        Returns:
            Whether the state has the same shares. Constants of others are
            left out: they may switch a class off that now has a share.
        """
        shares = state.get('shares')
        if shares is None or not torch.equal(shares.cpu(), self.shares.cpu()):
            return False
        for name, value in state.items():
            getattr(self, name).copy_(value)
        return True
