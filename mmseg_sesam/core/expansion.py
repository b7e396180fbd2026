"""How far masks of each class may grow beyond the weak labels they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Growth is counted in octaves: [1, 2), [2, 4), ... and the rest.
_OCTAVES = 16
# Masks of each class and octave as which the share over all classes counts.
_PRIOR = 20


@dataclass(frozen=True, eq=False)
class ExpansionPrior:
    """Doubt about a mask, by its class and its growth.

    A mask grows by `|M| / |M and W_k|`: its area over the pixels of its
    component that it holds. It is refuted if it conflicts with the weak
    labels of others. Masks of poles are refuted mostly beyond some growth,
    those of roads mostly below one. What has such a growth and meets no such
    label was lucky rather than right. So the share of masks that are refuted
    at a growth, over many images, is the doubt about those that are not. On
    CamVid it comes close to their share of wrong pixels. Source: our choice;
    it needs no dense label.

    Attributes:
        share: (256, B) float in [0, 1], by class and octave of growth the
            share of masks that are refuted.
    """

    share: np.ndarray

    @classmethod
    def fit(cls, counts: np.ndarray) -> ExpansionPrior:
        """Estimates the doubt.

        Args:
            counts: (2, 256, B), see `count_expansions`; summed over images.

        Returns:
            The doubt; 0 everywhere if nothing was counted.
        """
        seen, refuted = counts
        total = seen.sum(axis=0)
        pooled = refuted.sum(axis=0) / np.maximum(total, 1)
        known = np.flatnonzero(total)
        if len(known):
            # A growth never seen is no sign of a good mask.
            pooled = np.interp(np.arange(_OCTAVES), known, pooled[known])
        share = (refuted + _PRIOR * pooled) / (seen + _PRIOR)
        return cls(share)

    @classmethod
    def from_json(cls, shares: dict[str, list[float]]) -> ExpansionPrior:
        """Reads what `to_json` gave."""
        rows = [shares.get(str(i), shares['others']) for i in range(256)]
        return cls(np.array(rows))

    def to_json(self) -> dict[str, list[float]]:
        """Shares by class; most classes, never seen, as 'others'."""
        others = self.share[255]
        shares = {
            str(i): row.tolist()
            for i, row in enumerate(self.share)
            if (row != others).any()
        }
        return dict(shares, others=others.tolist())

    @staticmethod
    def no_counts() -> np.ndarray:
        """Counts of no mask at all, (2, 256, B) int64."""
        return np.zeros((2, 256, _OCTAVES), np.int64)

    @classmethod
    def none(cls) -> ExpansionPrior:
        """No doubt about any mask."""
        return cls(np.zeros((256, _OCTAVES)))

    def __call__(self, class_id: int, growth: np.ndarray) -> np.ndarray:
        """Doubt about masks.

        Args:
            class_id: of their component.
            growth: (M,) float >= 1; infinite for masks that hold nothing
                of their component.

        Returns:
            (M,) float in [0, 1].
        """
        # A share belongs to the middle of its octave.
        octave = np.log2(np.maximum(growth, 1)) - 0.5
        return np.interp(octave, np.arange(_OCTAVES), self.share[class_id])


def measure_expansion(areas: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Growth of masks beyond their component.

    Args:
        areas: (M,) pixels of each mask.
        held: (M,) pixels of the component that each mask holds.

    Returns:
        (M,) float, infinite where nothing is held.
    """
    growth = np.full(len(areas), np.inf)
    return np.divide(areas, held, out=growth, where=held > 0)


def count_expansions(
    class_id: int, growth: np.ndarray, refuted: np.ndarray
) -> np.ndarray:
    """Counts the candidate masks of one component.

    Args:
        class_id: of the component.
        growth: (M,) float.
        refuted: (M,) bool, whether a mask conflicts with weak labels.

    Returns:
        (2, 256, B) int64, by class and octave the number of masks, and
        that of refuted ones; masks of infinite growth are left out.
    """
    counts = ExpansionPrior.no_counts()
    for row, counted in enumerate((True, refuted)):
        octave = np.log2(np.maximum(growth[np.isfinite(growth) & counted], 1))
        octave = np.minimum(octave.astype(int), _OCTAVES - 1)
        counts[row, class_id] = np.bincount(octave, minlength=_OCTAVES)
    return counts
