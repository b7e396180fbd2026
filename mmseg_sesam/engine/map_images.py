"""Predictions of many images, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Callable

from mmengine.device import get_device

from mmseg_sesam.io.processes import map_in_processes
from mmseg_sesam.io.terminal import Progress


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
