"""A map over items in several threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def threaded_map(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Yields the results of work on items, in the order of the items.

    While one thread waits for a GPU or a disk, others compute, and the
    calling thread fetches the next item. At most `threads` + 1 items are in
    memory. The error of the first item that failed is raised; items that no
    thread has begun are skipped.

    Example:
        >>> list(threaded_map(abs, [-3, 2, -1], threads=2))
        [3, 2, 1]
    """
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
