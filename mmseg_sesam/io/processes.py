"""Work on many items in several processes, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Callable

from mmseg_sesam.io.terminal import Progress, end_quietly


def map_in_processes(
    function: Callable[[Any, Any], Any],
    shared: Any,
    items: Sequence[Any],
    jobs: int,
    desc: str,
    chunksize: int = 1,
) -> Iterator[Any]:
    """Yields `function(shared, item)` for each item, in their order.

    Processes find the function by its name in its module, and get the shared
    argument once. Each has one thread.

    Args:
        function: a function at the top of a module.
        shared: first argument of all calls.
        items: second arguments.
        jobs: number of processes.
        desc: title of the progress bar, and beginning of the error.
        chunksize: number of items that a process gets at once. Raise it for
            items that take milliseconds.

    Raises:
        ChildProcessError: a process was killed.
    """
    pool = ProcessPoolExecutor(
        jobs, initializer=_start, initargs=(function, shared)
    )
    try:
        results = pool.map(_call, items, chunksize=chunksize)
        yield from Progress(results, total=len(items), desc=desc)
    except BrokenProcessPool:
        raise ChildProcessError(
            f'{desc}: a process was killed, probably because the memory did '
            'not suffice; give fewer --jobs.'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start(*task: Any) -> None:
    # The threads that torch has started do not survive a fork, and torch
    # would wait for them forever.
    if torch := sys.modules.get('torch'):
        torch.set_num_threads(1)
    end_quietly()
    _start.task = task


def _call(item: Any) -> Any:
    function, shared = _start.task
    return function(shared, item)
