"""Interleaved timing of several ways to do the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

import numpy as np
import torch


class Times(NamedTuple):
    """Time of one way.

    Attributes:
        median: of the repeats, in milliseconds.
        spread: half of the distance between their quartiles, in
            milliseconds.
        result: what the last repeat gave.
    """

    median: float
    spread: float
    result: Any = None

    def to_json(self) -> dict[str, float]:
        """The numbers, rounded."""
        return dict(ms=round(self.median, 3), spread=round(self.spread, 3))


def compare(
    ways: Mapping[str, Callable[[], Any]], repeats: int, cuda: bool = False
) -> dict[str, Times]:
    """Times ways in turn, after one warming round of all.

    On a CPU it counts the process's own time, so that others on the machine
    matter little; with a GPU, time on the clock.

    Args:
        ways: functions by name.
        repeats: rounds that count.
        cuda: whether the work ends on a GPU.

    Returns:
        The times by name.
    """
    clock = time.perf_counter if cuda else time.process_time
    taken: dict[str, list[float]] = {name: [] for name in ways}
    results = {}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            begin = clock()
            results[name] = way()
            if cuda:
                torch.cuda.synchronize()
            taken[name].append(1e3 * (clock() - begin))
    return {
        name: Times(*_summarise(values[1:]), results[name])
        for name, values in taken.items()
    }


def fit_slope(sizes: list[float], times: list[float]) -> float:
    """Exponent of the power law that relates times to sizes.

    Args:
        sizes: at least two.
        times: as many, above 0.

    Returns:
        1.0 if the time is proportional to the size, 0.0 if it is constant.
    """
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def _summarise(values: list[float]) -> tuple[float, float]:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return float(middle), float(high - low) / 2
