"""Checks of heads, losses and sources that the loss cannot serve."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from mmseg.models import losses
from mmseg.models.decode_heads import DDRHead, PIDHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn

from mmseg_sesam.models.source_losses import is_entropy, loss_list, loss_scale
from mmseg_sesam.structures import HUMAN_FIELD, UNLABELLED, LabelSource

# Backbones that only these heads take: they return a tuple in training, and
# a tensor in evaluation.
_ONLY_BACKBONES = {DDRHead: 'DDRNet', PIDHead: 'PIDNet'}


def check_head_class(name: str, kind: type) -> None:
    """Raises if a class of heads has a loss of its own."""
    names = ('loss', 'loss_by_feat')
    # Some heads of mmseg have another base class.
    found = [getattr(kind, name, None) for name in names]
    if found != [getattr(BaseDecodeHead, name) for name in names]:
        also = ''.join(
            f' Take another backbone, too: {backbone} returns no list of '
            'features, which other heads expect.'
            for head, backbone in _ONLY_BACKBONES.items()
            if issubclass(kind, head)
        )
        raise ValueError(
            f'The {name} {kind.__name__} computes its loss from dense labels '
            'in a way of its own; use a head with the loss of BaseDecodeHead '
            '(FCNHead, ASPPHead, DepthwiseSeparableASPPHead, PSPHead, '
            'UPerHead, SegformerHead, ...) or leave this head out.' + also
        )


def check_head(name: str, head: BaseDecodeHead) -> None:
    """Raises if a head's losses cannot be computed as its config says."""
    check_head_class(f'{name} head', type(head))
    for fault in _faults_of_head(head):
        raise ValueError(f'The {name} head {type(head).__name__} {fault}')


def check_sources(
    sources: Sequence[LabelSource], regularizers: Iterable[nn.Module]
) -> None:
    """Raises if names repeat, or a source gets no labels beside another."""
    _check_human_sources([s for s in sources if s.is_human])
    fields = [source.field for source in sources if not source.is_human]
    if repeated := {field for field in fields if fields.count(field) > 1}:
        raise ValueError(
            f'Several sources of SeSAMEncoderDecoder have field='
            f'{min(repeated)!r}, and the first of them takes all of its '
            'labels; leave the others out.'
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


def check_loss_names(
    heads: Iterable[tuple[str, BaseDecodeHead]],
    sources: Sequence[LabelSource],
    regularizers: Sequence[nn.Module],
) -> None:
    """Raises if a term has the name of a head's own loss.

    One of both would be lost, because losses are logged by name.
    """
    ends = [f'_{s.name}' if s.kinds else '' for s in sources if s.is_human]
    for head_name, head in heads:
        own = {
            f'{getattr(loss, "loss_name", "")}{end}'
            for loss in loss_list(head)
            for end in ends
            if not is_entropy(loss)
        }
        # Regularizers get the logits of the decode head alone.
        others = regularizers if head_name == 'decode' else ()
        for module in (*sources, *others):
            if f'loss_{module.name}' in own:
                raise ValueError(
                    f'SeSAMEncoderDecoder has a source or regularizer named '
                    f'{module.name!r}, and a loss of the {head_name} head is '
                    f"logged as 'loss_{module.name}' too; give one of both "
                    'another name (loss_name of the loss).'
                )


def _check_human_sources(human: Sequence[LabelSource]) -> None:
    """Raises if there is none, or one takes what another one waits for."""
    if not human:
        raise ValueError(
            'SeSAMEncoderDecoder got no source with field='
            f"{HUMAN_FIELD!r}, expected one or more; the heads' own losses "
            'are computed on it.'
        )
    for source in human[:-1]:
        if source.kinds is None:
            raise ValueError(
                f'The source {source.name!r} of SeSAMEncoderDecoder takes '
                f'all labels of {HUMAN_FIELD}, and {human[-1].name!r} after '
                f'it gets none; set kinds of {source.name!r}, or place it '
                'last.'
            )
    kinds = [kind for source in human for kind in source.kinds or ()]
    if repeated := {kind for kind in kinds if kinds.count(kind) > 1}:
        raise ValueError(
            f'Several sources of SeSAMEncoderDecoder have {min(repeated)!r} '
            'in kinds, expected each kind once; take it out of the others.'
        )


def _faults_of_head(head: BaseDecodeHead) -> Iterator[str]:
    """Yields what is wrong with a head and its losses, and the remedy."""
    if head.num_classes == 1:
        yield (
            'has num_classes=1, which leaves nothing to tell apart; add a '
            'class for the other pixels, such as background.'
        )
    if head.ignore_index != UNLABELLED:
        yield (
            f'has ignore_index={head.ignore_index}, expected {UNLABELLED}, '
            'the value of unlabelled pixels; leave it out.'
        )
    for loss in loss_list(head):
        for fault in chain(
            _faults_of_kind(head, loss), _faults_of_options(head, loss)
        ):
            yield f'is trained by {type(loss).__name__}{fault}'
    regional = (losses.LovaszLoss, losses.TverskyLoss)
    if head.sampler is not None and all(
        isinstance(loss, regional) for loss in loss_list(head)
    ):
        yield (
            'has a sampler, and LovaszLoss and TverskyLoss cannot weigh '
            'single pixels; take the sampler out, or add a CrossEntropyLoss.'
        )
    weights = [getattr(loss, 'loss_weight', 1.0) for loss in loss_list(head)]
    if not loss_scale(head) and any(weights):
        yield (
            'has loss_weight=0 in the loss that pseudo-labels weigh as much '
            f'as, and others that weigh {max(weights)}; leave that loss out, '
            'or give it a weight.'
        )


def _faults_of_kind(head: BaseDecodeHead, loss: nn.Module) -> Iterator[str]:
    """Yields why weak labels cannot train a head by a loss of this kind."""
    if isinstance(loss, losses.HuasdorffDisstanceLoss):
        yield (
            ', which measures distances between outlines that weak labels do '
            'not have; use DiceLoss, LovaszLoss or TverskyLoss, or leave it '
            'out.'
        )
    binary = isinstance(loss, losses.CrossEntropyLoss) and (
        loss.use_sigmoid or loss.use_mask
    )
    if head.out_channels == 1 or binary:
        yield (
            ' for binary labels; set out_channels to num_classes and '
            'use_sigmoid=False in its CrossEntropyLoss.'
        )
    if not _takes_labels(loss):
        yield (
            ', which does not take the weight and ignore_index that mmseg '
            'hands to losses of class labels; use CrossEntropyLoss, DiceLoss, '
            'LovaszLoss or TverskyLoss.'
        )
    if head.sampler is not None and isinstance(loss, losses.DiceLoss):
        yield (
            ' with a sampler, and DiceLoss cannot weigh single pixels; take '
            'one of both out.'
        )


def _faults_of_options(head: BaseDecodeHead, loss: nn.Module) -> Iterator[str]:
    """Yields which options of a loss do not fit the head or weak labels."""
    for option in ('class_weight', 'alpha'):
        values = getattr(loss, option, None)
        if hasattr(values, '__len__') and len(values) != head.num_classes:
            yield (
                f' with {len(values)} values in {option}, expected '
                f'num_classes={head.num_classes}; give one value for each '
                'class.'
            )
    tversky = isinstance(loss, losses.TverskyLoss)
    if tversky and loss.ignore_index != UNLABELLED:
        yield (
            f' with ignore_index={loss.ignore_index}, expected '
            f'{UNLABELLED}, the value of unlabelled pixels; leave it out.'
        )
    # A derived class may average over labelled pixels.
    if type(loss) is losses.FocalLoss and loss.reduction != 'sum':
        yield (
            f' with reduction={loss.reduction!r}, whose mean counts '
            'unlabelled pixels as learned, so that few labels weigh next to '
            'nothing; use CrossEntropyLoss, with a sampler for hard pixels.'
        )
    # `source_losses` computes it and applies no other value.
    if is_entropy(loss) and loss.reduction != 'mean':
        yield (
            f' with reduction={loss.reduction!r}, and SeSAMEncoderDecoder '
            "averages over labelled pixels; set reduction='mean'."
        )
    if is_entropy(loss) and 'loss' not in loss.loss_name:
        yield (
            f' with loss_name={loss.loss_name!r}, and mmseg trains only what '
            'has "loss" in its name; leave loss_name out, or the loss to '
            'switch it off.'
        )


def _takes_labels(loss: nn.Module) -> bool:
    """Returns whether a loss can be called as heads of mmseg call it."""
    try:
        inspect.signature(loss.forward).bind(
            None, None, weight=None, ignore_index=UNLABELLED
        )
    except TypeError:
        return False
    return True
