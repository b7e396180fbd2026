"""Candidate masks of a component -> the masks that cover its weak label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.component_candidates import ComponentCandidates, Measures
from mmseg_sesam.validators import SHARE, check_fields, number, one_of, option


class Verdict(Enum):
    """Whether a candidate was taken, or the rule that rejected it.

    The rules are applied in this order, and the first one that rejects a
    candidate is its verdict.
    """

    TAKEN = 'taken'
    CONFLICT = 'too much conflict'
    SCORE = 'low score'
    STABILITY = 'low stability'
    EXPANSION = 'unlikely expansion'
    FULL_SIZE = 'fails at full size'
    UNION = 'union in conflict'
    GAIN = 'adds too little'
    COVERAGE = 'covers too little'
    NOT_BEST = 'not the best'


class Selection(NamedTuple):
    """The mask of a component, and the verdict on each candidate.

    Attributes:
        verdicts: verdict on each candidate.
        chosen: candidates whose union is the mask, the best one first;
            empty if the component keeps its weak pixels alone.
        mask: (H, W) bool union of the chosen candidates, or None.
        measures: measures of the mask.
        predicted_iou: mean score of the chosen candidates, in [0, 1].
    """

    verdicts: tuple[Verdict, ...] = ()
    chosen: tuple[int, ...] = ()
    mask: np.ndarray | None = None
    measures: Measures = Measures(0.0, 0.0, 0.0)
    predicted_iou: float = 0.0


_STEP = number(above=0, at_most=1)


@dataclass(frozen=True)
class CoverageMaskSelector:
    """Selects the masks of a component that cover its weak label.

    Source: step 4 of SeSAM (selection by weak-label coverage); the rules
    for conflict, ties and merging, and every number, are our choice.

    Attributes:
        max_conflict: largest conflict of a mask, and of a union of masks.
            Raise it where weak labels are wrong in places.
        min_predicted_iou: least score of a mask. Raise it for a segmenter
            whose scores are reliable.
        min_stability: least stability of a mask.
        min_coverage: least coverage of the union; below it the component
            keeps its weak pixels alone. Lower it where masks are small
            parts of objects.
        coverage_step: coverages are compared in steps of this size, and
            within one step the score decides. Otherwise the largest of
            nested masks would always win.
        merge: 'best' takes one mask; 'greedy' adds masks while each adds
            `min_gain`.
        min_gain: least share of the component's pixels that a further mask
            adds.
        max_rejected_share: masks and unions are never taken if a larger
            share of the masks of their class and expansion conflicts with
            weak labels, see `ExpansionPrior`; 1 switches this rule off.

    Raises:
        ValueError: an option is out of range.
    """

    max_conflict: float = option(0.05, SHARE)
    min_predicted_iou: float = option(0.0, SHARE)
    min_stability: float = option(0.0, SHARE)
    min_coverage: float = option(0.5, SHARE)
    coverage_step: float = option(0.05, _STEP)
    merge: str = option('greedy', one_of(('best', 'greedy')))
    min_gain: float = option(0.05, _STEP)
    max_rejected_share: float = option(0.8, SHARE)

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, candidates: ComponentCandidates) -> Selection:
        """Returns the mask of one component, and the verdict on candidates.

        On every labelled pixel of the image, the mask may violate a limit
        that the sampled pixels satisfied. Then the candidate added last is
        dropped, and the selection is repeated without it.

        Args:
            candidates: the component and its candidates.
        """
        dropped = np.zeros(len(candidates.scores), bool)
        while True:
            chosen, verdicts = self._choose(candidates, dropped)
            if not chosen:
                return Selection(verdicts)
            mask = candidates.union(chosen)
            if mask.shape != candidates.prepared.label.shape:
                return Selection((Verdict.FULL_SIZE,) * len(verdicts))
            measures = candidates.measure(mask)
            if self.accepts(measures):
                iou = float(candidates.scores[list(chosen)].mean())
                return Selection(verdicts, chosen, mask, measures, iou)
            dropped[chosen[-1]] = True

    def accepts(self, measures: Measures) -> bool:
        """Returns whether a mask may be taken; never if it covers nothing."""
        return (
            measures.coverage > 0
            and measures.coverage >= self.min_coverage
            and measures.conflict <= self.max_conflict
            and measures.rejected_share <= self.max_rejected_share
        )

    def _choose(
        self, candidates: ComponentCandidates, dropped: np.ndarray
    ) -> tuple[tuple[int, ...], tuple[Verdict, ...]]:
        """Returns the candidates chosen on the labelled pixels, and verdicts.

        `dropped`, (M,) bool, is True for candidates that failed at full size.
        """
        coverage, conflict, rejected_share = candidates.measures
        # Negated comparisons reject NaN.
        fails = {
            Verdict.CONFLICT: ~(conflict <= self.max_conflict),
            Verdict.SCORE: ~(candidates.scores >= self.min_predicted_iou),
            Verdict.STABILITY: ~(candidates.stability >= self.min_stability),
            Verdict.EXPANSION: ~(rejected_share <= self.max_rejected_share),
            Verdict.FULL_SIZE: dropped,
        }
        allowed = ~np.logical_or.reduce(list(fails.values()))
        unions = candidates.inside
        chosen: list[int] = []
        covered = 0.0
        while True:
            gain = coverage - covered
            fails[Verdict.UNION] = conflict > self.max_conflict
            fails[Verdict.GAIN] = gain < self.min_gain if chosen else gain <= 0
            admissible = allowed & ~fails[Verdict.UNION] & ~fails[Verdict.GAIN]
            if not admissible.any():
                break
            # The best is the last of this order.
            order = np.lexsort(
                (
                    -candidates.areas,
                    candidates.scores,
                    np.round(gain / self.coverage_step),
                    admissible,
                )
            )
            best = int(order[-1])
            covered = float(coverage[best])
            chosen.append(best)
            if self.merge == 'best':
                break
            # Each candidate in union with those chosen.
            unions = candidates.inside | unions[best]
            coverage, conflict = candidates.measure_inside(unions)
        enough = covered > 0 and covered >= self.min_coverage
        verdicts = np.full(len(allowed), Verdict.NOT_BEST)
        for verdict in reversed(fails):
            verdicts[fails[verdict]] = verdict
        verdicts[chosen] = Verdict.TAKEN if enough else Verdict.COVERAGE
        return tuple(chosen) if enough else (), tuple(verdicts)
