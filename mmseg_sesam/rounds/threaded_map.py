"""Several images at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def overlap(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Works on items in threads, on a bounded number of them.

    While one thread waits for a GPU or a disk, others compute, and this
    one fetches the next item: memory does not grow with the number of
    items.

    Args:
        work: to be done on each item.
        items: as many as there are; taken one at a time by this thread.
        threads: that work.

    Yields:
        The results in the order of the items.

    Raises:
        Exception: whatever work on an item raised; later items that no
            thread has begun are left.
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
