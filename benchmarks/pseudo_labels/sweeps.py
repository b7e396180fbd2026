"""Times of the CPU stage for a growing amount of work."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.timing import compare, fit_slope

from .cpu_stage import Ours, whole
from .data import Size, make_label

SMALL = Size(96, 128, 4, 3)


class Sweep(NamedTuple):
    """A quantity, and the time of the CPU stage for each of its values.

    Attributes:
        name: name of the quantity.
        values: values of the quantity in ascending order.
        costs: milliseconds for each value.
        note: one phrase on the measurement.
    """

    name: str
    values: list[float]
    costs: list[float]
    note: str

    @property
    def slope(self) -> float:
        """Exponent of the cost, see `fit_slope`."""
        return fit_slope(self.values, self.costs)

    @property
    def later_slope(self) -> float | None:
        """Exponent without the smallest value.

        There, the fixed cost of an image hides the growth.
        """
        if len(self.values) < 3:
            return None
        return fit_slope(self.values[1:], self.costs[1:])


def run_sweeps(repeats: int, smallest: bool) -> Iterator[Sweep]:
    """Yields measurements of our CPU stage on synthetic labels.

    Args:
        repeats: measured repeats of each value.
        smallest: whether to measure two values of each quantity alone.
    """

    def some(values: list) -> list:
        return values[:2] if smallest else values

    components = some([1, 5, 20, 100, 500])
    # Cells have a fixed size, so that the image grows with the components.
    sizes = [Size(64, 64 * n, n, 4) for n in components]
    yield _sweep('components', components, sizes, repeats, 'cells of 64 x 64')
    classes = some([2, 10, 50, 150])
    sizes = [Size(512, 1024, 150, n) for n in classes]
    yield _sweep('classes', classes, sizes, repeats, '150 components')
    sides = some([256, 512, 1024, 2048])
    sizes = [Size(side, side, 30, 5) for side in sides]
    pixels = [side**2 for side in sides]
    yield _sweep('pixels', pixels, sizes, repeats, '30 components')
    yield _images([2, 10] if smallest else [10, 100, 1000, 10000])
    yield _workers(some([1, 2, 3, 4]), 20 if smallest else 400)


def peak_memory(images: int) -> int:
    """Returns Python's peak memory in bytes while images are made."""
    tracemalloc.start()
    _make_images(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _sweep(
    name: str, values: list, sizes: list[Size], repeats: int, note: str
) -> Sweep:
    with TemporaryDirectory() as folder:
        ways = {
            str(value): whole(Ours(make_label(size), Path(folder, 'l.png')))
            for value, size in zip(values, sizes)
        }
        times = compare(ways, repeats)
    return Sweep(name, values, [t.median for t in times.values()], note)


def _images(values: list[int]) -> Sweep:
    costs = []
    for count in values:
        begin = time.process_time()
        _make_images(count)
        costs.append(1e3 * (time.process_time() - begin))
    return Sweep('images', values, costs, '96 x 128, one run each')


def _workers(values: list[int], images: int) -> Sweep:
    """Measures elapsed time; each worker makes its share of the images."""
    costs = []
    for count in values:
        with ProcessPoolExecutor(count, get_context('fork')) as pool:
            # Starts the workers before the measurement.
            list(pool.map(_make_images, [1] * count))
            begin = time.perf_counter()
            list(pool.map(_make_images, [10] * (images // 10)))
            costs.append(1e3 * (time.perf_counter() - begin))
    return Sweep('workers', values, costs, f'{images} images, elapsed time')


def _make_images(count: int) -> None:
    with TemporaryDirectory() as folder:
        for seed in range(count):
            label = make_label(SMALL, seed)
            whole(Ours(label, Path(folder, 'l.png')))()
