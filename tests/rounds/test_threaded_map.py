"""A map over items in several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mmseg_sesam.rounds.threaded_map import threaded_map


@pytest.mark.parametrize('threads', [1, 3])
def test_threaded_map_keeps_the_order(threads: int) -> None:
    barrier = threading.Barrier(threads)

    def work(item: int) -> int:
        # Waits until all threads are at work.
        barrier.wait(timeout=60)
        return item * item

    assert list(threaded_map(work, range(12), threads)) == [
        i * i for i in range(12)
    ]


def test_threaded_map_fetches_few_items_ahead() -> None:
    fetched = 0

    def items() -> Iterator[int]:
        nonlocal fetched
        for item in range(100):
            fetched += 1
            yield item

    for done, _ in enumerate(threaded_map(str, items(), 3), start=1):
        assert fetched - done <= 3


def test_threaded_map_stops_at_an_error() -> None:
    done = []

    def work(item: int) -> None:
        if item == 2:
            raise ValueError('no third item')
        done.append(item)

    with pytest.raises(ValueError, match='no third item'):
        list(threaded_map(work, range(1000), 2))
    assert len(done) < 10


def test_threaded_map_stops_at_an_error_of_the_items() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError('no second item')

    with pytest.raises(OSError, match='no second item'):
        list(threaded_map(str, items(), 2))
