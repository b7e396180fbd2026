"""Describes the machine that trains."""

from __future__ import annotations

import os
from typing import NamedTuple


class Machine(NamedTuple):
    """What a training may use.

    Attributes:
        cpus: number of CPU cores of this process.
        gpu_gib: memory of the GPU in GiB, 0 without a GPU.
    """

    cpus: int
    gpu_gib: float

    @classmethod
    def this(cls) -> Machine:
        """Returns the machine of this process."""
        import torch

        cpus = (
            len(os.sched_getaffinity(0))
            if hasattr(os, 'sched_getaffinity')
            else os.cpu_count() or 1
        )
        if not torch.cuda.is_available():
            return cls(cpus, 0)
        memory = torch.cuda.get_device_properties(0).total_memory
        return cls(cpus, memory / 2**30)
