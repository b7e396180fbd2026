"""The mixed loss of weak labels, SAM's labels and confident predictions."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmengine import dist
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import CrossEntropyLoss, DiceLoss
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.validators import check_options, count, number

_TINY = torch.finfo(torch.half).tiny


@MODELS.register_module()
class MixedLoss(nn.Module):
    """Weighs the losses on three disjoint label maps.

    `L = l_w CE(weak) + l_s(t) CE(pseudo) + l_c(t) CE(confident)`. The first
    two are means over their own labelled pixels; the third is divided by
    all pixels that neither of them labels, so that few confident pixels
    weigh little. A map without pixels contributes 0. The weights of the
    last two grow over a number of steps along exp(-5 (1 - t)^2) (Laine and
    Aila, 2017).

    A head's own losses and its pixel sampler serve the weak labels: its
    class weights belong to human labels. Its `CrossEntropyLoss` is computed
    here, since the stock one averages over unlabelled pixels too; the other
    two terms weigh as much as that one, or as its first loss if there is
    none.

    Source: SeSAM's three-part loss; every number is our choice.

    Args:
        weak_weight: l_w.
        pseudo_weight: l_s after its ramp.
        pseudo_ramp: iterations of the ramp.
        confident_weight: l_c after its ramp.
        confident_ramp: iterations of the ramp.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(
        self,
        weak_weight: float = 1.0,
        pseudo_weight: float = 1.0,
        pseudo_ramp: int = 0,
        confident_weight: float = 0.5,
        confident_ramp: int = 1000,
    ) -> None:
        super().__init__()
        self.weak_weight = weak_weight
        self.pseudo_weight = pseudo_weight
        self.pseudo_ramp = pseudo_ramp
        self.confident_weight = confident_weight
        self.confident_ramp = confident_ramp
        weight = number(at_least=0)
        check_options(
            self,
            weak_weight=weight,
            pseudo_weight=weight,
            pseudo_ramp=count(),
            confident_weight=weight,
            confident_ramp=count(),
        )

    def forward(
        self, logits: Tensor, maps: LabelMaps, head: BaseDecodeHead, step: int
    ) -> dict[str, Tensor]:
        """Computes the terms of one head.

        Args:
            logits: (N, C, H, W) of the head, at the size of the labels.
            maps: disjoint labels of the batch.
            head: the decode or auxiliary head.
            step: iterations made, for the ramps.

        Returns:
            loss_weak, loss_pseudo and loss_confident, scalars; further
            loss_... of the head's own losses other than cross entropy; and
            acc_seg, the accuracy in percent on weak labels.
        """
        weak, pseudo, confident = maps.labelled()
        # The maps are disjoint: one pass serves all three.
        target = torch.where(pseudo, maps.pseudo, maps.confident)
        target = torch.where(weak, maps.weak, target).long()
        entropy = F.cross_entropy(
            logits,
            target,
            reduction='none',
            ignore_index=maps.ignore_index,
        )
        losses = self._weak_terms(logits, maps, entropy, weak, head)
        scale = loss_scale(head)
        pseudo_weight = self.pseudo_weight * ramp(step, self.pseudo_ramp)
        confident_weight = self.confident_weight * ramp(
            step, self.confident_ramp
        )
        unclaimed = (~(weak | pseudo)).sum()
        losses['loss_pseudo'] = (
            scale * pseudo_weight * _mean(entropy, pseudo, pseudo.sum())
        )
        losses['loss_confident'] = (
            scale * confident_weight * _mean(entropy, confident, unclaimed)
        )
        losses['acc_seg'] = _accuracy(logits, target, weak)
        return losses

    def _weak_terms(
        self,
        logits: Tensor,
        maps: LabelMaps,
        entropy: Tensor,
        weak: Tensor,
        head: BaseDecodeHead,
    ) -> dict[str, Tensor]:
        """The head's own losses, on the weak labels."""
        label = maps.weak.long()
        pixel_weight = None
        if head.sampler is not None:
            pixel_weight = head.sampler.sample(logits, label[:, None])
        losses = {'loss_weak': logits.new_zeros(())}
        for loss in loss_list(head):
            if is_entropy(loss):
                name = 'loss_weak'
                weight = weak.float()
                if loss.class_weight is not None:
                    weight = weight * _class_weights(loss, logits, label)
                total = weight.sum()
                if pixel_weight is not None:
                    weight = weight * pixel_weight
                value = loss.loss_weight * _mean(entropy, weight, total)
            else:
                name = loss.loss_name
                value = _on_labels(loss, logits, label, pixel_weight, maps)
            value = self.weak_weight * value
            losses[name] = losses[name] + value if name in losses else value
        return losses


def loss_list(head: BaseDecodeHead) -> list[nn.Module]:
    """The losses of a head, of which it may have one or several."""
    losses = head.loss_decode
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]


def is_entropy(loss: nn.Module) -> bool:
    """Whether the mixed loss computes a loss itself.

    A derived class may compute another one, which only its own code knows.
    """
    return type(loss) is CrossEntropyLoss


def loss_scale(head: BaseDecodeHead) -> float:
    """How much a head weighs, by its cross entropy if it has one."""
    losses = loss_list(head)
    entropies = [loss for loss in losses if is_entropy(loss)]
    return loss_weight([*entropies, *losses][0])


def loss_weight(loss: nn.Module) -> float:
    """The factor of a loss, 1 for a user's own that has none."""
    return getattr(loss, 'loss_weight', 1.0)


def ramp(step: int, length: int) -> float:
    """Grows from near 0 to 1 within `length` steps, then stays."""
    if step >= length:
        return 1.0
    return math.exp(-5 * (1 - step / length) ** 2)


def _mean(entropy: Tensor, weight: Tensor, total: Tensor) -> Tensor:
    """Weighted sum by a total that may be 0: then the mean is 0.

    The total is the ranks' mean: DDP averages their gradients, and a pixel
    counts the same on a rank with few labels and on one with many.
    """
    total = total.to(entropy.dtype)
    dist.all_reduce(total, 'mean')
    return (entropy * weight).sum() / total.clamp_min(_TINY)


def _class_weights(
    loss: CrossEntropyLoss, logits: Tensor, label: Tensor
) -> Tensor:
    """(N, H, W) class weight of each pixel, any value where unlabelled."""
    weights = logits.new_tensor(loss.class_weight)
    return weights[label.clamp_max(len(weights) - 1)]


def _on_labels(
    loss: nn.Module,
    logits: Tensor,
    label: Tensor,
    pixel_weight: Tensor | None,
    maps: LabelMaps,
) -> Tensor:
    """Any loss of mmseg, over the images that have labels."""
    # LovaszLoss cannot take an image with one labelled pixel either.
    has = (label != maps.ignore_index).sum(dim=(1, 2)) > 1
    if not bool(has.any()):
        return logits.sum() * 0
    if isinstance(loss, DiceLoss):
        return _dice(loss, logits[has], label[has], maps.ignore_index)
    return loss(
        logits[has],
        label[has],
        weight=None if pixel_weight is None else pixel_weight[has],
        ignore_index=maps.ignore_index,
    )


def _dice(
    loss: DiceLoss, logits: Tensor, label: Tensor, ignore_index: int
) -> Tensor:
    """The Dice loss of each image, over its labelled pixels alone.

    The stock one lets unlabelled pixels pay for every confident prediction.
    """
    losses = []
    for scores, ids in zip(logits, label):
        drawn = ids != ignore_index
        # An image of one column, with as many rows as there are labels.
        pixels, target = scores[:, drawn], ids[drawn]
        losses.append(loss(pixels[None, ..., None], target[None, :, None]))
    stacked = torch.stack(losses)
    return stacked.sum() if loss.reduction == 'sum' else stacked.mean()


def _accuracy(logits: Tensor, target: Tensor, weak: Tensor) -> Tensor:
    """Percent of weakly labelled pixels that are predicted right."""
    # Much faster than argmax; a tie counts as right.
    logits = logits.detach()
    index = target.clamp_max(logits.shape[1] - 1)[:, None]
    right = (logits.gather(1, index) >= logits.amax(1, keepdim=True))[:, 0]
    right = right & weak
    return 100 * right.sum() / weak.sum().clamp_min(1)
