"""Loss terms of a head, one for each source of labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine import dist
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import CrossEntropyLoss, DiceLoss
from torch import Tensor, nn

from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.structures import UNLABELLED, LabelSource

_TINY = torch.finfo(torch.half).tiny


def source_losses(
    logits: Tensor,
    maps: LabelMaps,
    head: BaseDecodeHead,
    sources: Sequence[LabelSource],
    step: int,
) -> dict[str, Tensor]:
    """Returns the loss terms of a head, one for each source of labels.

    A term is `loss_weight * ramp * sum of CE / normalizer`, and 0 where the
    source labels no pixel. The head's own losses, class weights and pixel
    sampler apply to human labels only, to each source of them apart.
    `CrossEntropyLoss` is computed here, because the stock one averages over
    unlabelled pixels too. The terms of other sources weigh as much as the
    head's cross entropy, or as its first loss if it has none.

    Logits are (N, C, H, W), at the size of the labels; sources have the order
    of the maps; ramps depend on `step`, the iterations made.

    Returns:
        `loss_<name>` of each source; `loss_...` of the head's own losses
        other than cross entropy, with `_<name>` behind it for a source with
        `kinds`; and acc_seg, the accuracy in percent on human labels.
    """
    target = maps.merged().long()
    masks = maps.labelled()
    # The maps are disjoint: one pass serves all sources.
    entropy = F.cross_entropy(
        logits, target, reduction='none', ignore_index=UNLABELLED
    )
    # Padding is no pixel of an image.
    free = maps.inside
    losses = {}
    for source, labelled in zip(sources, masks.values()):
        weight = source.loss_weight * ramp(step, source.ramp)
        remaining = source.normalizer == 'remaining'
        if source.is_human:
            label = maps.labels[source.name].long()
            terms = _own_losses(logits, label, entropy, head)
            if remaining:
                weight = weight * _share(labelled, free, entropy.dtype)
            losses[f'loss_{source.name}'] = weight * terms.pop('entropy')
            end = f'_{source.name}' if source.kinds else ''
            losses.update({n + end: weight * v for n, v in terms.items()})
        else:
            total = (free if remaining else labelled).sum()
            losses[f'loss_{source.name}'] = (
                loss_scale(head) * weight * _mean(entropy, labelled, total)
            )
        free = free & ~labelled
    human = [masks[source.name] for source in sources if source.is_human]
    by_person = torch.stack(human).any(0)
    losses['acc_seg'] = _accuracy(logits, target, by_person)
    return losses


def _own_losses(
    logits: Tensor, label: Tensor, entropy: Tensor, head: BaseDecodeHead
) -> dict[str, Tensor]:
    """Returns 'entropy' and the head's other losses, on human labels."""
    labelled = label != UNLABELLED
    pixel_weight = None
    if head.sampler is not None:
        pixel_weight = head.sampler.sample(logits, label[:, None])
    losses = {'entropy': logits.new_zeros(())}
    for loss in loss_list(head):
        if is_entropy(loss):
            name, weight = 'entropy', labelled.float()
            if loss.class_weight is not None:
                weights = logits.new_tensor(loss.class_weight)
                weight = weight * weights[label.clamp_max(len(weights) - 1)]
            total = weight.sum()
            if pixel_weight is not None:
                weight = weight * pixel_weight
            value = loss.loss_weight * _mean(entropy, weight, total)
        else:
            name = loss.loss_name
            value = _on_labels(loss, logits, label, pixel_weight)
        losses[name] = losses[name] + value if name in losses else value
    return losses


def loss_list(head: BaseDecodeHead) -> list[nn.Module]:
    """Returns the losses of a head, which may have one or several."""
    losses = head.loss_decode
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]


def is_entropy(loss: nn.Module) -> bool:
    """Returns whether `source_losses` computes a loss itself.

    A class derived from `CrossEntropyLoss` may compute another loss, so its
    own code is called.
    """
    return type(loss) is CrossEntropyLoss


def loss_scale(head: BaseDecodeHead) -> float:
    """Returns the weight of a head's cross entropy, or of its first loss."""
    losses = loss_list(head)
    return getattr(
        next(filter(is_entropy, losses), losses[0]), 'loss_weight', 1.0
    )


def ramp(step: int, length: int) -> float:
    """Returns a factor that grows from near 0 to 1 within `length` steps.

    It is exp(-5 (1 - t)^2) (Laine and Aila, 2017).
    """
    if step >= length:
        return 1.0
    return math.exp(-5 * (1 - step / length) ** 2)


def _mean(entropy: Tensor, weight: Tensor, total: Tensor) -> Tensor:
    """Returns the weighted sum over a total, and 0 where the total is 0.

    The total is averaged over ranks, because DDP averages their gradients:
    a pixel counts the same on a rank with few labels and on one with many.
    """
    total = total.to(entropy.dtype)
    dist.all_reduce(total, 'mean')
    return (entropy * weight).sum() / total.clamp_min(_TINY)


def _share(part: Tensor, whole: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the share of pixels, over all ranks; 0 of no pixel."""
    counts = torch.stack([part.sum(), whole.sum()]).to(dtype)
    dist.all_reduce(counts, 'mean')
    return counts[0] / counts[1].clamp_min(_TINY)


def _on_labels(
    loss: nn.Module,
    logits: Tensor,
    label: Tensor,
    pixel_weight: Tensor | None,
) -> Tensor:
    """Computes any loss of mmseg over the images that have labels."""
    # LovaszLoss cannot take an image with one labelled pixel either.
    has = (label != UNLABELLED).sum(dim=(1, 2)) > 1
    if not bool(has.any()):
        return logits.sum() * 0
    if isinstance(loss, DiceLoss):
        return _dice(loss, logits[has], label[has])
    return loss(
        logits[has],
        label[has],
        weight=None if pixel_weight is None else pixel_weight[has],
        ignore_index=UNLABELLED,
    )


def _dice(loss: DiceLoss, logits: Tensor, label: Tensor) -> Tensor:
    """Computes the Dice loss of each image over its labelled pixels.

    The stock loss counts confident predictions on unlabelled pixels as
    errors.
    """
    losses = []
    for scores, ids in zip(logits, label):
        labelled = ids != UNLABELLED
        # An image of one column, with as many rows as there are labels.
        pixels, target = scores[:, labelled], ids[labelled]
        losses.append(loss(pixels[None, ..., None], target[None, :, None]))
    stacked = torch.stack(losses)
    return stacked.sum() if loss.reduction == 'sum' else stacked.mean()


def _accuracy(logits: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Returns the percentage of labelled pixels that are predicted right."""
    # Much faster than argmax; a tie counts as right.
    logits = logits.detach()
    index = target.clamp_max(logits.shape[1] - 1)[:, None]
    right = (logits.gather(1, index) >= logits.amax(1, keepdim=True))[:, 0]
    return 100 * (right & labelled).sum() / labelled.sum().clamp_min(1)
