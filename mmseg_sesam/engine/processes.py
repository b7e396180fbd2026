"""Work on many items in several processes, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Callable

import torch
from mmengine.device import get_device

from mmseg_sesam.io.terminal import Progress, end_quietly


def map_images(
    work: Callable[[Any, Any], Any],
    shared: Any,
    items: Sequence[Any],
    jobs: int,
) -> Iterator[Any]:
    """Yields `work(shared, item)` for each item, with progress.

    Without a GPU several processes of one thread predict: threads of one
    process wait for each other in every layer, which takes ten times as long
    where other programs run.
    """
    if get_device() == 'cpu':
        yield from map_in_processes(work, shared, items, jobs, 'predicting')
        return
    for item in Progress(items, desc='predicting'):
        yield work(shared, item)


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

    Raises:
        ChildProcessError: a process was killed.
    """
    pool = ProcessPoolExecutor(
        jobs, initializer=_start, initargs=(function, shared)
    )
    try:
        results = pool.map(_call, items)
        yield from Progress(results, total=len(items), desc=desc)
    except BrokenProcessPool:
        raise ChildProcessError(
            f'A process was killed while {desc}, probably because the memory '
            'did not suffice; give fewer --jobs.'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start(*task: Any) -> None:
    # The threads that torch has started do not survive a fork, and torch
    # would wait for them forever.
    torch.set_num_threads(1)
    end_quietly()
    _start.task = task


def _call(item: Any) -> Any:
    function, shared = _start.task
    return function(shared, item)
