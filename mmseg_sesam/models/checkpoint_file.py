"""Reads checkpoint files without running code that they may hold."""

from __future__ import annotations

import pickle
from typing import Any

import torch


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
