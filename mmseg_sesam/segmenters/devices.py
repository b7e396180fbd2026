"""Where networks compute, and in which precision."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from mmseg_sesam.validators import Rule, one_of

# Values of a segmenter's dtype option, besides AUTO.
DTYPES = dict(fp32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)
# bf16 on a GPU that computes it, else fp32.
AUTO = 'auto'
DTYPE: Rule = one_of([AUTO, *DTYPES])

# First compute capability with bf16; older GPUs emulate it slowly.
_BF16_CAPABILITY = (8, 0)


def device_of(module: nn.Module) -> torch.device:
    """Returns the device of a network's weights."""
    return next(_tensors(module)).device


def autocast(dtype: str, device: torch.device) -> AbstractContextManager:
    """Returns a context in which networks compute in a precision.

    Args:
        dtype: name in `DTYPES`, or AUTO.
        device: device of the network.

    Raises:
        ValueError: the device is a CPU and the dtype 'fp16'.
    """
    if dtype == AUTO:
        dtype = 'bf16' if _computes_bf16(device) else 'fp32'
    if dtype == 'fp16' and device.type == 'cpu':
        raise ValueError(
            "The segmenter has dtype='fp16' on a CPU, which computes 'fp32' "
            "or 'bf16' only; set one of them or use a GPU."
        )
    if dtype == 'fp32':
        return nullcontext()
    return torch.autocast(device.type, DTYPES[dtype])


def copy_to_cpu(
    module: nn.Module, shared: Sequence[nn.Module] = ()
) -> nn.Module:
    """Returns a copy without allocating memory on the module's device.

    Args:
        module: a network on any device.
        shared: parts of it that the copy does not need; it has them where
            they are.
    """
    # deepcopy takes what this dictionary has for an id.
    copies: dict[int, Any] = {id(part): part for part in shared}
    needless = {id(tensor) for part in shared for tensor in _tensors(part)}
    for tensor in _tensors(module):
        if id(tensor) not in needless:
            copied = tensor.to('cpu', copy=True)
            if isinstance(tensor, nn.Parameter):
                copied = nn.Parameter(copied, requires_grad=False)
            copies[id(tensor)] = copied
    return copy.deepcopy(module, copies)


def cpu_dtype(dtype: str) -> str:
    """Returns the dtype of a copy on the CPU: 'fp32' instead of 'fp16'."""
    return 'fp32' if dtype == 'fp16' else dtype


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return itertools.chain(module.parameters(), module.buffers())


def _computes_bf16(device: torch.device) -> bool:
    # A device may be called 'cuda' where there is none: torch's fake tensors.
    if device.type != 'cuda' or not torch.cuda.is_available():
        return False
    return torch.cuda.get_device_capability(device) >= _BF16_CAPABILITY
