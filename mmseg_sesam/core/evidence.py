"""Evidence for each class, at pixels spread over an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# An image is cut into square cells, and evidence lies in the middle of every
# second row and column of them. A large image has at most this many cells,
# unless it is very thin; so has a small one if cells of this side, in pixels,
# allow (our choice).
MAX_CELLS, _MAX_CELLS_OF_SMALL, _SMALL_CELL = 2**16, 2**14, 5
# Least probability that counts, so that no single pixel decides (our choice).
_FLOOR = 0.01


class Evidence(NamedTuple):
    """Log-probabilities of the classes at pixels spread over an image.

    In round 0 they come from `AppearanceModel`, later from the teacher.

    Attributes:
        rows: (G,) integers.
        cols: (G,) integers.
        log_probabilities: (G, C) float32, with C = 0 if nothing is known.
    """

    rows: np.ndarray
    cols: np.ndarray
    log_probabilities: np.ndarray

    @classmethod
    def none(cls, shape: tuple[int, int]) -> Evidence:
        """Returns evidence that favours no class, for an (H, W) image."""
        rows, cols = spread_pixels(shape)
        return cls(rows, cols, np.zeros((len(rows), 0), np.float32))

    @classmethod
    def of(cls, shape: tuple[int, int], probabilities: np.ndarray) -> Evidence:
        """Returns evidence from (G, C) probabilities at `spread_pixels`.

        Pixels with an undefined probability favour no class.
        """
        rows, cols = spread_pixels(shape)
        probabilities = probabilities.astype(np.float32)
        # One such pixel would make the evidence of all masks undefined.
        probabilities[~np.isfinite(probabilities).all(axis=1)] = 0
        logs = np.log(probabilities + _FLOOR)
        return cls(rows, cols, logs)

    @property
    def known(self) -> bool:
        """Whether anything is known of the classes."""
        return self.log_probabilities.shape[1] > 0

    def log_odds(
        self, inside: np.ndarray, class_id: int, classes: np.ndarray
    ) -> np.ndarray:
        """Compares a class with the others of an image, for several masks.

        Args:
            inside: (M, G) bool, whether pixel g is inside mask m.
            class_id: class of the masks.
            classes: ids of the classes that the image's label has; a class
                alone is compared with all others of which the evidence tells
                anything.

        Returns:
            (M,) float32, the mean log-probability of the class inside a mask
            minus the log of the other classes' mean; 0 where nothing is
            known.
        """
        others = self._others(class_id, classes)
        if not len(others):
            return np.zeros(len(inside), np.float32)
        columns = np.append(others, class_id)
        sums = inside.astype(np.float32) @ self.log_probabilities[:, columns]
        counts = np.count_nonzero(inside, axis=1)
        means = sums / np.maximum(counts, 1)[:, None]
        rival = np.log(np.exp(means[:, :-1]).mean(axis=1))
        return np.where(counts > 0, means[:, -1] - rival, 0)

    def favours(self, class_id: int, classes: np.ndarray) -> bool:
        """Whether any pixel speaks for a class rather than for the others.

        Args:
            class_id: of the class.
            classes: see `log_odds`.
        """
        others = self._others(class_id, classes)
        if not len(others):
            return False
        # Other columns are not read: a set may have 150 classes.
        rival = np.exp(self.log_probabilities[:, others]).mean(axis=1)
        own = np.exp(self.log_probabilities[:, class_id])
        return bool((own > rival).any())

    def near(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Returns (G,) bool, the pixels with evidence nearest to some pixels.

        Args:
            rows: (N,) integers.
            cols: (N,) integers.
        """
        # The pixels are a grid, row after row.
        width = np.searchsorted(self.rows, self.rows[0], side='right')
        heights, widths = self.rows[::width], self.cols[:width]
        places = _nearest(heights, rows) * len(widths) + _nearest(widths, cols)
        near = np.zeros(len(self.rows), bool)
        near[places] = True
        return near

    def _others(self, class_id: int, classes: np.ndarray) -> np.ndarray:
        """Returns the classes to compare with; empty if nothing is known."""
        number = self.log_probabilities.shape[1]
        if class_id >= number:
            return np.zeros(0, int)
        others = classes[(classes != class_id) & (classes < number)]
        if not len(others):
            greatest = self.log_probabilities.max(axis=0)
            others = np.flatnonzero(greatest > np.log(_FLOOR) + 0.001)
            others = others[others != class_id]
        return others


def _nearest(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns places of the ascending values nearest to some numbers."""
    between = (values[1:] + values[:-1]) / 2
    return np.searchsorted(between, wanted)


def cell_size(shape: tuple[int, int]) -> int:
    """Returns the side in pixels of the cells of an (H, W) image."""
    area = shape[0] * shape[1]
    small = min(np.ceil(np.sqrt(area / _MAX_CELLS_OF_SMALL)), _SMALL_CELL)
    side = int(max(small, np.ceil(np.sqrt(area / MAX_CELLS))))
    # A cell is never higher or wider than a thin image.
    return min(side, *shape)


def spread_pixels(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns (G,) rows and (G,) columns of the pixels with evidence.

    Example:
        >>> rows, cols = spread_pixels((2, 5))
        >>> rows.tolist(), cols.tolist()
        ([0, 0, 0], [0, 2, 4])
    """
    side = cell_size(shape)
    rows, cols = (
        np.arange(0, size // side, 2) * side + side // 2 for size in shape
    )
    grid = np.meshgrid(rows, cols, indexing='ij')
    return grid[0].ravel(), grid[1].ravel()
