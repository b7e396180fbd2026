"""Which masks conflict with weak labels, by class, expansion and score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Expansion is counted in octaves: [1, 2), [2, 4), ... and the rest.
_OCTAVES = 16
# Weight of the share over all classes, in masks of a class and octave (our
# choice).
_POOLED_MASKS = 20
_CLASSES = 256
# Bins of equal width into which scores from 0 to 1 are sorted.
_BINS = 20
# Weight of the square of a bin's log-odds, which keeps those of few masks near
# 0 (our choice).
_RIDGE = 5.0


@dataclass(frozen=True, eq=False)
class ConflictPrior:
    """Share of masks that conflict, by class, expansion and score.

    Masks of poles mostly conflict above some expansion, masks of roads mostly
    below one. A mask that expanded this much without touching another class's
    label probably just happened not to touch one. On CamVid the share of
    masks that conflict, over many images, is close to the share of wrong
    pixels of those that do not. Some segmenters' scores tell wrong masks and
    others' do not: how much they tell is learned from the same masks.
    Source: our choice; no dense label is needed.

    Attributes:
        shares: (256, B) float in [0, 1], share of conflicting masks by
            class and octave of expansion.
        score_odds: (S,) float, what the score adds to the logarithm of the
            odds of a conflict, by bin.

    Example:
        >>> expansion = np.array([3.0, 3.0, 100.0, 100.0])
        >>> scores = np.full(4, 0.5)
        >>> conflicts = np.array([False, False, True, True])
        >>> classes = np.ones(4, int)
        >>> counts = 100 * count_masks(classes, expansion, scores, conflicts)
        >>> ConflictPrior.fit(counts)(1, expansion, scores).round(1)
        array([0., 0., 1., 1.])
    """

    shares: np.ndarray
    score_odds: np.ndarray

    @classmethod
    def fit(cls, counts: np.ndarray) -> ConflictPrior:
        """Returns the prior of masks that were counted.

        Args:
            counts: (2, 256, B, S), the sum of `count_masks` over images; if
                it counts no mask, the prior is 0 everywhere.
        """
        seen, conflicts = counts.sum(axis=3)
        total = seen.sum(axis=0)
        pooled = conflicts.sum(axis=0) / np.maximum(total, 1)
        known = np.flatnonzero(total)
        if len(known):
            # Octaves without masks get the share of their neighbours.
            pooled = np.interp(np.arange(_OCTAVES), known, pooled[known])
        share = (conflicts + _POOLED_MASKS * pooled) / (seen + _POOLED_MASKS)
        return cls(share, _fit_scores(*counts, share))

    @classmethod
    def from_json(cls, shares: dict[str, list[float]]) -> ConflictPrior:
        """Returns the prior that `to_json` wrote."""
        rows = [shares.get(str(i), shares['others']) for i in range(_CLASSES)]
        return cls(np.array(rows), np.array(shares['scores']))

    def to_json(self) -> dict[str, list[float]]:
        """Returns shares by class, and odds as 'scores'.

        'others' are classes without any mask.
        """
        others = self.shares[_CLASSES - 1]
        shares = {
            str(i): row.tolist()
            for i, row in enumerate(self.shares)
            if (row != others).any()
        }
        scores = self.score_odds.tolist()
        return dict(shares, others=others.tolist(), scores=scores)

    @staticmethod
    def no_counts() -> np.ndarray:
        """Returns counts of no mask, (2, 256, B, S) int64."""
        return np.zeros((2, _CLASSES, _OCTAVES, _BINS), np.int64)

    @classmethod
    def none(cls) -> ConflictPrior:
        """Returns a prior that rejects no mask."""
        return cls(np.zeros((_CLASSES, _OCTAVES)), np.zeros(_BINS))

    def __call__(
        self, class_id: int, expansion: np.ndarray, scores: np.ndarray
    ) -> np.ndarray:
        """Returns (M,) shares in [0, 1] of masks that conflict.

        Args:
            class_id: class of the masks.
            expansion: (M,) float, see `expansion.measure_expansion`.
            scores: (M,) float, predicted IoU; one that is undefined counts
                as 0.
        """
        # Shares belong to the middle of an octave, and odds to that of a bin.
        octave = np.log2(np.maximum(expansion, 1)) - 0.5
        share = np.interp(octave, np.arange(_OCTAVES), self.shares[class_id])
        place = _BINS * _defined(scores) - 0.5
        ratio = np.exp(np.interp(place, np.arange(_BINS), self.score_odds))
        return share * ratio / (1 - share + share * ratio)


def count_masks(
    classes: np.ndarray,
    expansion: np.ndarray,
    scores: np.ndarray,
    conflicts: np.ndarray,
) -> np.ndarray:
    """Counts masks by class, octave of expansion and bin of scores.

    Args:
        classes: (M,) integers, class of each mask's component.
        expansion: (M,) float, see `expansion.measure_expansion`.
        scores: (M,) float, predicted IoU; one that is undefined counts as 0.
        conflicts: (M,) bool, whether a mask conflicts with weak labels.

    Returns:
        (2, 256, B, S) int64, the number of masks and of those that
        conflict, without masks of infinite expansion.
    """
    counts = ConflictPrior.no_counts()
    finite = np.isfinite(expansion)
    octave = np.log2(np.maximum(expansion[finite], 1)).astype(int)
    bins = (_BINS * _defined(scores[finite])).astype(int)
    cells = (
        classes[finite],
        np.minimum(octave, _OCTAVES - 1),
        np.minimum(bins, _BINS - 1),
    )
    np.add.at(counts[0], cells, 1)
    np.add.at(counts[1], cells, conflicts[finite])
    return counts


def _defined(scores: np.ndarray) -> np.ndarray:
    """Returns scores in [0, 1], whatever a segmenter gives."""
    return np.nan_to_num(scores).clip(0, 1)


def _fit_scores(
    seen: np.ndarray, conflicts: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Returns (S,) log-odds of a conflict that bins of scores add.

    It is a logistic regression of conflict on the bin, by Newton's method.
    The odds of class and octave are given, so that a bin with many masks of
    a class that often conflicts does not add these conflicts again.

    Args:
        seen: (256, B, S) number of masks by class, octave and bin.
        conflicts: (256, B, S) number of those that conflict.
        share: (256, B) share of conflicting masks.
    """
    cells = seen.sum(axis=2) > 0
    seen, conflicts = seen[cells], conflicts[cells]
    # No odds are infinite (our choice).
    share = share[cells].clip(0.01, 0.99)
    given, odds = np.log(share / (1 - share)), np.zeros(_BINS)
    for _ in range(20):
        expected = 1 / (1 + np.exp(-given[:, None] - odds))
        excess = (seen * expected - conflicts).sum(axis=0) + _RIDGE * odds
        slope = (seen * expected * (1 - expected)).sum(axis=0) + _RIDGE
        # A whole step may overshoot where nearly all masks agree.
        odds -= (excess / slope).clip(-1, 1)
    known = np.flatnonzero(seen.sum(axis=0))
    if not len(known):
        return odds
    # Bins without masks get the odds of their neighbours.
    return np.interp(np.arange(_BINS), known, odds[known])
