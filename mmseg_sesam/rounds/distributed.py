"""Work on several ranks: all succeed, or all raise an error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Callable

import torch
from mmengine import dist
from mmengine.logging import MMLogger


class RankError(RuntimeError):
    """Another rank failed, and says why."""


def build_group(timeout_hours: float = 24) -> Any:
    """Returns a group of all ranks, None if there is only one process.

    NCCL's time-out of ten minutes is shorter than a round takes.
    """
    if not dist.is_distributed():
        return None
    timeout = timedelta(hours=timeout_hours)
    return torch.distributed.new_group(backend='gloo', timeout=timeout)


def on_all_ranks(work: Callable[[], Any], group: Any = None) -> list:
    """Returns the results of a function on all ranks, in their order.

    Other ranks may take hours: a rank that fails logs its error at once, and
    raises it when all have ended.

    Raises:
        Exception: this rank's part failed; the error as it was raised.
        RankError: another rank's part failed.
    """
    result = failure = error = None
    try:
        result = work()
    except Exception as caught:
        # Other ranks wait for this one: tell them before raising.
        error, failure = caught, f'{type(caught).__name__}: {caught}'
        if dist.get_world_size() > 1:
            MMLogger.get_current_instance().error(
                f'Rank {dist.get_rank()} failed with {failure}. It waits for '
                'the other ranks.'
            )
    results = dist.all_gather_object((result, failure), group)
    if error is not None:
        raise error
    for rank, (_, text) in enumerate(results):
        if text is not None:
            raise RankError(f'rank {rank} failed with {text}')
    return [part for part, _ in results]


def interleave(parts: Sequence[Sequence]) -> list:
    """Returns what ranks made of `items[rank::ranks]`, in the items' order.

    Args:
        parts: results of each rank, as from `on_all_ranks`.

    Example:
        >>> interleave([['a', 'c'], ['b']])
        ['a', 'b', 'c']
    """
    longest = max(map(len, parts))
    return [p[i] for i in range(longest) for p in parts if i < len(p)]


def on_main_rank(work: Callable[[], Any], group: Any = None) -> Any:
    """Returns the picklable result of a function on rank 0, on all ranks.

    Raises:
        Exception: the work failed, on rank 0; the error as it was raised.
        RankError: the work failed, on the other ranks.
    """
    is_main = dist.get_rank() == 0
    return on_all_ranks(work if is_main else lambda: None, group)[0]
