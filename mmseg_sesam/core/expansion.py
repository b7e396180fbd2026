"""How far masks of each class expand beyond the weak labels inside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Expansion is counted in octaves: [1, 2), [2, 4), ... and the rest.
_OCTAVES = 16
# Weight of the share over all classes, in masks of a class and octave (our
# choice).
_POOLED_MASKS = 20


@dataclass(frozen=True, eq=False)
class ExpansionPrior:
    """Share of masks that conflict with weak labels, by class and expansion.

    The expansion of a mask is `|M| / |M and W_k|`: its area over the pixels
    of its component inside it. Masks of poles mostly conflict above some
    expansion, masks of roads mostly below one. A mask that expanded this
    much without touching another class's label probably just happened not
    to touch one. On CamVid the share of masks that conflict, over many
    images, is close to the share of wrong pixels of those that do not.
    Source: our choice; no dense label is needed.

    Attributes:
        rejected: (256, B) float in [0, 1], share of conflicting masks by
            class and octave of expansion.

    Example:
        >>> expansion = np.array([3.0, 3.0, 100.0, 100.0])
        >>> conflicts = np.array([False, False, True, True])
        >>> counts = 100 * count_expansions(1, expansion, conflicts)
        >>> ExpansionPrior.fit(counts)(1, np.array([3.0, 90.0])).round(1)
        array([0., 1.])
    """

    rejected: np.ndarray

    @classmethod
    def fit(cls, counts: np.ndarray) -> ExpansionPrior:
        """Returns the prior of masks that were counted.

        Args:
            counts: (2, 256, B), the sum of `count_expansions` over images;
                if it counts no mask, the prior is 0 everywhere.
        """
        seen, rejected = counts
        total = seen.sum(axis=0)
        pooled = rejected.sum(axis=0) / np.maximum(total, 1)
        known = np.flatnonzero(total)
        if len(known):
            # Octaves without masks get the share of their neighbours.
            pooled = np.interp(np.arange(_OCTAVES), known, pooled[known])
        share = (rejected + _POOLED_MASKS * pooled) / (seen + _POOLED_MASKS)
        return cls(share)

    @classmethod
    def from_json(cls, shares: dict[str, list[float]]) -> ExpansionPrior:
        """Returns the prior that `to_json` wrote."""
        rows = [shares.get(str(i), shares['others']) for i in range(256)]
        return cls(np.array(rows))

    def to_json(self) -> dict[str, list[float]]:
        """Returns shares by class; 'others' are classes without any mask."""
        others = self.rejected[255]
        shares = {
            str(i): row.tolist()
            for i, row in enumerate(self.rejected)
            if (row != others).any()
        }
        return dict(shares, others=others.tolist())

    @staticmethod
    def no_counts() -> np.ndarray:
        """Returns counts of no mask, (2, 256, B) int64."""
        return np.zeros((2, 256, _OCTAVES), np.int64)

    @classmethod
    def none(cls) -> ExpansionPrior:
        """Returns a prior that rejects no mask."""
        return cls(np.zeros((256, _OCTAVES)))

    def __call__(self, class_id: int, expansion: np.ndarray) -> np.ndarray:
        """Returns (M,) shares in [0, 1] of masks that conflict.

        Args:
            class_id: class of the masks.
            expansion: (M,) float, see `measure_expansion`.
        """
        # A share belongs to the middle of its octave.
        octave = np.log2(np.maximum(expansion, 1)) - 0.5
        return np.interp(octave, np.arange(_OCTAVES), self.rejected[class_id])


def measure_expansion(areas: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Returns (M,) float expansion of masks beyond their component.

    Args:
        areas: (M,) pixels of each mask.
        held: (M,) pixels of the component inside each mask; where it is 0,
            the expansion is infinite.
    """
    expansion = np.full(np.shape(areas), np.inf)
    return np.divide(areas, held, out=expansion, where=held > 0)


def count_expansions(
    class_id: int, expansion: np.ndarray, rejected: np.ndarray
) -> np.ndarray:
    """Counts masks of a component by octave of their expansion.

    Args:
        class_id: class of the component.
        expansion: (M,) float, see `measure_expansion`.
        rejected: (M,) bool, True for masks that conflict with weak labels.

    Returns:
        (2, 256, B) int64, by class and octave the number of masks and the
        number of rejected ones, without masks of infinite expansion.
    """
    counts = ExpansionPrior.no_counts()
    for row, counted in enumerate((True, rejected)):
        finite = expansion[np.isfinite(expansion) & counted]
        octave = np.log2(np.maximum(finite, 1)).astype(int)
        octave = np.minimum(octave, _OCTAVES - 1)
        counts[row, class_id] = np.bincount(octave, minlength=_OCTAVES)
    return counts
