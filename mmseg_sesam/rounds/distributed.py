"""Work of several ranks: all succeed, or all stop and say why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable

import torch
from mmengine import dist


def build_group(timeout_hours: float = 24) -> Any:
    """A group of all ranks that wait long for each other.

    NCCL's ranks give up long before a round is made.

    Args:
        timeout_hours: that they wait.

    Returns:
        The group; None if there is but one process.
    """
    if not dist.is_distributed():
        return None
    timeout = timedelta(hours=timeout_hours)
    return torch.distributed.new_group(backend='gloo', timeout=timeout)


def on_all_ranks(work: Callable[[], Any], process_group: Any = None) -> list:
    """Does each rank's part of some work.

    Args:
        work: of this rank; its result is sent to all others.
        process_group: of all ranks.

    Returns:
        The results of all ranks, in their order.

    Raises:
        Exception: this rank's part failed; the error as it was raised.
        RuntimeError: another rank's part failed.
    """
    result = failure = error = None
    try:
        result = work()
    except Exception as caught:
        # Other ranks wait for this one: tell them before raising.
        error, failure = caught, f'{type(caught).__name__}: {caught}'
    answers = dist.all_gather_object((result, failure), process_group)
    if error is not None:
        raise error
    for rank, (_, text) in enumerate(answers):
        if text is not None:
            raise RuntimeError(f'rank {rank} failed with {text}')
    return [part for part, _ in answers]


def on_main_rank(work: Callable[[], Any], process_group: Any = None) -> Any:
    """Does work on rank 0, for which the others wait.

    Args:
        work: that only one rank may do, such as writing a file.
        process_group: of all ranks.

    Returns:
        Its result, on all ranks.

    Raises:
        Exception: the work failed, on rank 0; the error as it was raised.
        RuntimeError: the work failed, on the other ranks.
    """
    is_main = dist.get_rank() == 0
    return on_all_ranks(work if is_main else _nothing, process_group)[0]


def _nothing() -> None:
    """What ranks have to do that wait."""
