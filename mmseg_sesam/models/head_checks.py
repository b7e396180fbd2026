"""Checks of heads, losses and sources that the loss cannot serve."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import (
    CrossEntropyLoss,
    DiceLoss,
    HuasdorffDisstanceLoss,
    TverskyLoss,
)
from torch import nn

from mmseg_sesam.models.source_losses import (
    is_entropy,
    loss_list,
    loss_scale,
    loss_weight,
)
from mmseg_sesam.structures import HUMAN_FIELD, LabelSource


def check_head(name: str, head: BaseDecodeHead) -> None:
    """Raises if a head's losses cannot be computed as its config says.

    Args:
        name: of the head in logs.
        head: decode or auxiliary head.

    Raises:
        ValueError: the head overrides the loss; or it has binary cross
            entropy, a loss that needs dense labels, or an option of a loss
            that `source_losses` does not apply.
    """
    label = f'{name} head {type(head).__name__}'
    _check_own_loss(label, head)
    for loss in loss_list(head):
        _check_kind(label, head, loss)
        _check_lengths(label, head, loss)
        if is_entropy(loss):
            _check_entropy(label, loss)
        if isinstance(loss, TverskyLoss):
            _check_unlabelled(label, head, loss)
    _check_scale(label, head)


def check_sources(
    sources: Sequence[LabelSource], regularizers: Iterable[nn.Module]
) -> None:
    """Raises if the lists of losses contradict themselves.

    Args:
        sources: of labels.
        regularizers: loss terms without labels.

    Raises:
        ValueError: two losses have one name, a regularizer has no name, or
            not exactly one source has human labels.
    """
    human = [s for s in sources if s.field == HUMAN_FIELD]
    if len(human) != 1 or human[0].normalizer != 'labelled':
        raise ValueError(
            f'SeSAMEncoderDecoder got {len(human)} sources with field='
            f"{HUMAN_FIELD!r}, expected one, with normalizer='labelled'; "
            "the heads' own losses are computed on it."
        )
    names = [source.name for source in sources]
    for module in regularizers:
        if not getattr(module, 'name', None):
            raise ValueError(
                f'The regularizer {type(module).__name__} has no name; give '
                "the class an attribute such as name = 'crf', by which its "
                'loss is logged.'
            )
        names.append(module.name)
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f'SeSAMEncoderDecoder has several losses named {min(repeated)!r}; '
            'give each source and regularizer a name of its own.'
        )


def _check_own_loss(label: str, head: BaseDecodeHead) -> None:
    """Raises if a head overrides the loss of `BaseDecodeHead`."""
    kind = type(head)
    if (
        kind.loss is not BaseDecodeHead.loss
        or kind.loss_by_feat is not BaseDecodeHead.loss_by_feat
    ):
        raise ValueError(
            f'SeSAMEncoderDecoder cannot train the {label}, which computes '
            'its loss from dense labels in a way of its own; use a head with '
            'the loss of BaseDecodeHead '
            '(FCNHead, ASPPHead, DepthwiseSeparableASPPHead, PSPHead, '
            'UPerHead, SegformerHead, ...) or leave this head out.'
        )


def _check_kind(label: str, head: BaseDecodeHead, loss: nn.Module) -> None:
    """Raises if a loss needs other labels or another prediction."""
    if isinstance(loss, HuasdorffDisstanceLoss):
        raise ValueError(
            f'The {label} is trained by HuasdorffDisstanceLoss, which '
            'measures distances between outlines that weak labels do not '
            'have; use DiceLoss, LovaszLoss or TverskyLoss, or leave it out.'
        )
    binary = isinstance(loss, CrossEntropyLoss) and (
        loss.use_sigmoid or loss.use_mask
    )
    if head.out_channels == 1 or binary:
        raise ValueError(
            f'The {label} is trained by binary cross entropy; set '
            'out_channels to num_classes and use_sigmoid=False in its '
            'CrossEntropyLoss.'
        )
    if not _takes_labels(loss):
        raise ValueError(
            f'The {label} is trained by {type(loss).__name__}, which does '
            'not take the weight and ignore_index that mmseg hands to losses '
            'of class labels; use CrossEntropyLoss, DiceLoss, LovaszLoss or '
            'TverskyLoss.'
        )
    if head.sampler is not None and isinstance(loss, DiceLoss):
        raise ValueError(
            f'The {label} has a sampler and DiceLoss, which cannot weigh '
            'single pixels; take one of both out.'
        )


def _takes_labels(loss: nn.Module) -> bool:
    """Returns whether a loss can be called as heads of mmseg call it."""
    try:
        inspect.signature(loss.forward).bind(
            None, None, weight=None, ignore_index=255
        )
    except TypeError:
        return False
    return True


def _check_lengths(label: str, head: BaseDecodeHead, loss: nn.Module) -> None:
    """Raises if an option for each class has another number of values."""
    for option in ('class_weight', 'alpha'):
        values = getattr(loss, option, None)
        if hasattr(values, '__len__') and len(values) != head.num_classes:
            raise ValueError(
                f'{type(loss).__name__} of the {label} has {option} with '
                f'{len(values)} values, expected num_classes='
                f'{head.num_classes}; give one value for each class.'
            )


def _check_entropy(label: str, loss: CrossEntropyLoss) -> None:
    """Raises if an option has no effect in `source_losses`."""
    if loss.reduction != 'mean':
        raise ValueError(
            f'CrossEntropyLoss of the {label} has reduction='
            f'{loss.reduction!r}, and SeSAMEncoderDecoder averages over '
            "labelled pixels; set reduction='mean'."
        )
    if 'loss' not in loss.loss_name:
        raise ValueError(
            f'CrossEntropyLoss of the {label} has loss_name='
            f'{loss.loss_name!r}, and mmseg trains only what has "loss" in '
            'its name; leave loss_name out, or the loss to switch it off.'
        )


def _check_unlabelled(
    label: str, head: BaseDecodeHead, loss: TverskyLoss
) -> None:
    """Raises if a loss would take unlabelled pixels for a class."""
    if loss.ignore_index != head.ignore_index:
        raise ValueError(
            f'TverskyLoss of the {label} has ignore_index='
            f'{loss.ignore_index} and the head ignore_index='
            f'{head.ignore_index}; set both to the value of unlabelled '
            'pixels.'
        )


def _check_scale(label: str, head: BaseDecodeHead) -> None:
    """Raises if a weight of 0 would switch off pseudo-labels only."""
    weights = [loss_weight(loss) for loss in loss_list(head)]
    if not loss_scale(head) and any(weights):
        raise ValueError(
            f'The {label} has loss_weight=0 in the loss that pseudo-labels '
            f'weigh as much as, and others that weigh {max(weights)}; leave '
            'that loss out, or give it a weight.'
        )
