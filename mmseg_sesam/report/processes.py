"""Work on many items in several processes, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from multiprocessing import Pool
from typing import Any, Callable

import torch

from mmseg_sesam.io.terminal import Progress


def map_in_processes(
    function: Callable[[Any, Any], Any],
    shared: Any,
    items: Sequence[Any],
    jobs: int,
    desc: str,
) -> Iterator[Any]:
    """Yields `function(shared, item)` for each item, in their order.

    Processes find the function by its name in its module, and get the shared
    argument once. Each has one thread. `desc` is the progress bar's title.
    """
    with Pool(jobs, _start, (function, shared)) as pool:
        results = pool.imap(_call, items)
        yield from Progress(results, total=len(items), desc=desc)


def _start(*task: Any) -> None:
    # The threads that torch has started do not survive a fork, and torch
    # would wait for them forever.
    torch.set_num_threads(1)
    _start.task = task


def _call(item: Any) -> Any:
    function, shared = _start.task
    return function(shared, item)
