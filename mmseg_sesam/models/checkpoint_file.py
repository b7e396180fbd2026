"""Reads checkpoint files; torch 2.6 and later runs no code of theirs."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import torch
from mmengine.runner import CheckpointLoader
from torch import nn
from torch.hub import get_dir

# Beginnings of the names of weights that predictions of the student do not
# need.
TEACHER = 'teacher.'
TRAINING = ('regularizers.', 'auxiliary_head.', '_extra_state')


def read_checkpoint(path: str, map_location: Any = 'cpu') -> dict[str, Any]:
    """Returns what a checkpoint holds, with names for its weights.

    torch older than 2.6 runs code in the file, see `compat.loads_safely`.

    Args:
        path: path or address of the checkpoint.
        map_location: device of the tensors.

    Raises:
        ValueError: the file cannot be opened, is damaged or no checkpoint,
            or asks to run code.
    """
    remedy = '; give a checkpoint that tools/train.py wrote.'
    if '://' in path:
        copy = f'its copy in {get_dir()}/checkpoints, if there is one'
        remedy = f'; remove {copy}, or give another checkpoint.'
    try:
        checkpoint = CheckpointLoader.load_checkpoint(
            path, map_location, 'silent'
        )
        if not _is_checkpoint(checkpoint):
            raise TypeError('it holds no weights by name')
    except torch.cuda.OutOfMemoryError:
        raise
    except OSError as error:
        raise ValueError(
            f'{path} cannot be read ({str(error).rstrip(".")}); give the path '
            'of another checkpoint.'
        ) from error
    # Damaged files raise anything. The message of this error advises to load
    # without weights_only.
    except UnpicklingError as error:
        raise ValueError(
            f'{path} is no checkpoint that can be loaded: it is damaged, '
            f'another kind of file, or asks to run code{remedy}'
        ) from error
    except Exception as error:
        # Some errors say nothing, such as that of an empty file.
        said = str(error) or type(error).__name__
        reason = said.split('\n')[0].rstrip('.')
        raise ValueError(
            f'{path} is no checkpoint that can be loaded ({reason}){remedy}'
        ) from error
    return checkpoint


def select_weights(
    model: nn.Module,
    checkpoint: dict[str, Any],
    path: str,
    unneeded: tuple[str, ...],
) -> dict[str, torch.Tensor]:
    """Selects the weights of a model from a checkpoint.

    Args:
        model: segmentor that gets the weights.
        checkpoint: what `read_checkpoint` returned.
        path: of the checkpoint, for errors.
        unneeded: beginnings of the names of weights that are left out, and
            that the checkpoint may lack.

    Raises:
        ValueError: the checkpoint lacks weights of the model.
    """
    state = weights_of(checkpoint)
    lacking = [
        name
        for name, value in model.state_dict().items()
        if not name.startswith(unneeded)
        # A counter that no prediction depends on; converters leave it out.
        and not name.endswith('num_batches_tracked')
        and getattr(state.get(name), 'shape', None) != value.shape
    ]
    if lacking:
        raise ValueError(
            f'{path} lacks {len(lacking)} weights of the model, such as '
            f'{lacking[0]}; give the config that it was trained with.'
        )
    return {n: v for n, v in state.items() if not n.startswith(unneeded)}


def weights_of(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Returns the weights of what `read_checkpoint` returned, by name."""
    return {
        # A wrapper that distributes the model adds this to all names.
        name.removeprefix('module.'): value
        for name, value in _state_of(checkpoint).items()
    }


def _is_checkpoint(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(_state_of(content), dict)
        and all(isinstance(name, str) for name in _state_of(content))
        and isinstance(content.get('meta') or {}, dict)
    )


def _state_of(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Returns the weights by name; some files hold nothing else."""
    return checkpoint.get('state_dict', checkpoint)
