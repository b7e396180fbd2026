"""Measures the memory that a call needs."""

from __future__ import annotations

import tracemalloc
from typing import Callable, TypeVar

T = TypeVar('T')


def with_peak(call: Callable[[], T]) -> tuple[T, int]:
    """Returns what a call returns, and its bytes of memory at the peak."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
