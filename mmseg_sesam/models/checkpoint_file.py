"""Reads checkpoint files without running code that they may hold."""

from __future__ import annotations

import pickle
from typing import Any

import torch
from mmengine.runner import CheckpointLoader
from torch import nn

from mmseg_sesam.compat import loads_safely

# Weights of a checkpoint or a model that the predictions of the student do
# not need: beginnings of their names.
TEACHER = ('teacher.',)
TRAINING = ('regularizers.', 'auxiliary_head.', '_extra_state')


def read_checkpoint(path: str) -> dict[str, Any]:
    """Returns what a checkpoint file holds, on the CPU.

    Call it only if `compat.loads_safely`: an older torch cannot read the
    checkpoints of mmengine this way.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no checkpoint, or asks to run code.
    """
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
        if not isinstance(checkpoint, dict):
            raise TypeError(f'it holds a {type(checkpoint).__name__}')
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001, damaged files raise anything
        reason = (str(error).splitlines() or ['it ends too early'])[0]
        if isinstance(error, pickle.UnpicklingError):
            # torch's own message advises to load without weights_only.
            reason = 'it is damaged, or asks to run code'
        raise ValueError(
            f'{path} is no checkpoint that can be loaded safely ({reason}); '
            'give one that tools/train.py wrote.'
        ) from error
    return checkpoint


def read_weights(
    model: nn.Module, path: str, unneeded: tuple[str, ...]
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Returns the weights of a checkpoint for a model, and its `meta`.

    Args:
        model: segmentor that gets the weights.
        path: path or address of the checkpoint.
        unneeded: beginnings of the names of weights that are left out, and
            that it may lack.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it cannot be read, or lacks weights of the model.
    """
    if loads_safely() and '://' not in path:
        checkpoint = read_checkpoint(path)
    else:
        checkpoint = CheckpointLoader.load_checkpoint(path, 'cpu', 'silent')
    weights = checkpoint.get('state_dict', checkpoint)
    if not isinstance(weights, dict):
        raise ValueError(
            f'{path} has a state_dict that is no dict of weights; give a '
            'checkpoint that tools/train.py wrote.'
        )
    state = {
        # A wrapper that distributes the model adds this to all names.
        name.removeprefix('module.'): value
        for name, value in weights.items()
    }
    lacking = [
        name
        for name, value in model.state_dict().items()
        if not name.startswith(unneeded)
        # A counter that no prediction depends on; converters leave it out.
        and not name.endswith('num_batches_tracked')
        and (name not in state or state[name].shape != value.shape)
    ]
    if lacking:
        raise ValueError(
            f'{path} lacks {len(lacking)} weights of the model, such as '
            f'{lacking[0]}; give the config that it was trained with.'
        )
    needed = {n: v for n, v in state.items() if not n.startswith(unneeded)}
    return needed, checkpoint.get('meta') or {}
