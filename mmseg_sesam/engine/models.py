"""Access to the model of a running training, and checks of it."""

from __future__ import annotations

import copy

import torch
from mmengine import dist
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.nn.parallel import DistributedDataParallel

from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.models.source_losses import loss_list, source_losses
from mmseg_sesam.structures import HUMAN_FIELD


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """Returns the segmentor without the wrapper that distributes it."""
    return model.module if is_model_wrapper(model) else model


def stores_confident(runner: Runner) -> bool:
    """Returns whether training reads confident labels from the store."""
    return getattr(unwrap(runner.model), 'teacher_mode', None) == 'round'


def average_buffers(model: torch.nn.Module) -> None:
    """Averages BatchNorm buffers over ranks, so that all predict the same.

    Args:
        model: of the training, without wrappers.
    """
    dist.all_reduce_params(
        [b for b in model.buffers() if b.is_floating_point()], op='mean'
    )


def refuse_sharded(model: torch.nn.Module) -> None:
    """Raises if a wrapper spreads the model's parameters over processes.

    Args:
        model: of a Runner.

    Raises:
        ValueError: the wrapper is another than that of DDP.
    """
    if is_model_wrapper(model) and not isinstance(
        model, DistributedDataParallel
    ):
        raise ValueError(
            f'{type(model).__name__} shards the parameters, which teacher and '
            'pictures need as a whole on each process; train with DDP '
            '(MMDistributedDataParallel) instead.'
        )


def check_built(runner: Runner) -> None:
    """Checks what a config does not tell about the model.

    Args:
        runner: that trains it.

    Raises:
        ValueError: the model is sharded or does not read pseudo-labels, or
            a loss fails.
    """
    refuse_sharded(runner.model)
    model = unwrap(runner.model)
    if not isinstance(model, SeSAMEncoderDecoder):
        raise ValueError(
            f'SAMPseudoLabelHook makes labels for SeSAMEncoderDecoder, got '
            f'{type(model).__name__}, which does not read them; set '
            'model.type, or take SAMPseudoLabelHook and LoadPseudoLabel out.'
        )
    _try_losses(model)


def _try_losses(model: SeSAMEncoderDecoder) -> None:
    """Computes the losses once, on human labels of two classes.

    Without it, a loss that fails would fail after round 0 is made.
    """
    device = next(model.parameters()).device
    ignore_index = model.decode_head.ignore_index
    empty = torch.full((1, 8, 8), ignore_index, dtype=torch.uint8)
    label = empty.clone()
    label[:, :4], label[:, 4:6] = 0, model.num_classes - 1
    labels = {
        source.name: (label if source.field == HUMAN_FIELD else empty).to(
            device
        )
        for source in model.sources
    }
    inside = torch.ones(1, 8, 8, dtype=torch.bool, device=device)
    maps = LabelMaps.disjoint(labels, inside, ignore_index)
    for name, head in model.heads():
        # The trial must not change the state of a loss.
        head = copy.deepcopy(head)
        logits = torch.zeros(1, head.out_channels, 8, 8, device=device)
        try:
            source_losses(logits, maps, head, model.sources, model.iteration)
        # Losses of mmseg raise errors of any type.
        except Exception as error:  # noqa: BLE001
            kinds = [type(loss).__name__ for loss in loss_list(head)]
            raise ValueError(
                f'The losses of the {name} head ({", ".join(kinds)}) cannot '
                f'be computed on {device} ({type(error).__name__}: {error}); '
                'take CrossEntropyLoss, DiceLoss, LovaszLoss or TverskyLoss, '
                'and see its options.'
            ) from error
