"""The model that a hook works with."""

from __future__ import annotations

import copy

import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import loss_list, source_losses

_SHARDING_WRAPPERS = ('MMFullyShardedDataParallel', 'MMDeepSpeedEngineWrapper')


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """The segmentor itself, without what distributes it."""
    return model.module if is_model_wrapper(model) else model


def stores_opinions(runner: Runner) -> bool:
    """Whether training reads the teacher's opinion from the store."""
    return getattr(unwrap(runner.model), 'teacher_mode', None) == 'round'


def check_built(runner: Runner) -> None:
    """Checks what a config does not tell about the model and data set.

    Args:
        runner: that trains them.

    Raises:
        ValueError: the model is sharded, does not read pseudo-labels, or has
            another number of classes than the data set, or a loss that
            fails.
    """
    if type(runner.model).__name__ in _SHARDING_WRAPPERS:
        raise ValueError(
            f'{type(runner.model).__name__} shards the parameters that the '
            'teacher copies; train with DDP (MMDistributedDataParallel) '
            'instead.'
        )
    model = unwrap(runner.model)
    if not isinstance(model, SeSAMEncoderDecoder):
        raise ValueError(
            f'SAMPseudoLabelHook makes labels for SeSAMEncoderDecoder, got '
            f'{type(model).__name__}, which does not read them; set '
            'model.type, or take SAMPseudoLabelHook and LoadPseudoLabel out.'
        )
    classes = runner.train_dataloader.dataset.metainfo.get('classes')
    if classes is not None and len(classes) != model.num_classes:
        raise ValueError(
            f'The training data set has {len(classes)} classes and the '
            f'decode head num_classes={model.num_classes}; set num_classes '
            'of all heads to the number of classes.'
        )
    _try_losses(model)


def _try_losses(model: SeSAMEncoderDecoder) -> None:
    """Computes the losses once, on labels of two classes.

    What fails in the first step would fail after round 0 is made.
    """
    device = next(model.parameters()).device
    ignore_index = model.decode_head.ignore_index
    label = torch.full((1, 8, 8), ignore_index, dtype=torch.uint8)
    label[:, :4], label[:, 4:6] = 0, model.num_classes - 1
    label = label.to(device)
    maps = LabelMaps.disjoint(
        {source.name: label for source in model.sources},
        torch.ones_like(label, dtype=torch.bool),
        ignore_index,
    )
    for name, head in model.heads():
        # Losses may keep a state, which the trial must not change.
        head = copy.deepcopy(head)
        logits = torch.zeros(1, head.out_channels, 8, 8, device=device)
        try:
            source_losses(logits, maps, head, model.sources, model.iteration)
        # Losses of mmseg fail in any way.
        except Exception as error:  # noqa: BLE001
            kinds = [type(loss).__name__ for loss in loss_list(head)]
            raise ValueError(
                f'The losses of the {name} head ({", ".join(kinds)}) cannot '
                f'be computed on {device} ({type(error).__name__}: {error}); '
                'take CrossEntropyLoss, DiceLoss, LovaszLoss or TverskyLoss, '
                'and see its options.'
            ) from error
