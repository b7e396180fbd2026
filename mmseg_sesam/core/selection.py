"""Candidates of an image's components -> the masks of each component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.validators import SHARE, check_fields, number, option


class Verdict(Enum):
    """Whether a candidate was taken, or the rule that rejected it.

    The rules are applied in this order, and the first one that rejects a
    candidate is its verdict.
    """

    TAKEN = 'taken'
    COVERAGE = 'covers nothing'
    CONFLICT = 'too much conflict'
    RELIABILITY = 'unreliable'
    SCORE = 'low score'
    GAIN = 'adds too little that is reliable'


class Selection(NamedTuple):
    """The candidates chosen for a component, and the verdict on each.

    Attributes:
        verdicts: verdict on each candidate.
        chosen: candidates whose union is the mask, the largest first; empty
            if the component keeps its weak pixels alone.
        conflict: (M,) conflict of each candidate, see
            `ComponentCandidates.conflict`.
    """

    verdicts: tuple[Verdict, ...]
    chosen: tuple[int, ...]
    conflict: np.ndarray


@dataclass(frozen=True)
class CoverageMaskSelector:
    """Selects the masks that cover the weak label of each component.

    All components of an image are looked at together: what one component's
    mask takes from another's depends on the extents of both. Source: step 4
    of SeSAM (selection by weak-label coverage); the measures of conflict and
    reliability, and every number, are our choice.

    Attributes:
        max_conflict: largest share of a mask that objects of other classes
            may take. Raise it where weak labels are wrong in places.
        min_reliability: least reliability of a mask, from weak labels and
            evidence, see `ComponentCandidates.reliability`. Lower it for
            more and worse labels. Values above 0.98 reject every mask that
            evidence does not support.
        min_predicted_iou: least score of a mask. Raise it for a segmenter
            whose scores are reliable.
        min_gain: masks are added to the largest while each adds at least
            this share to their union, and what it adds is reliable. Lower it
            for a segmenter whose masks are small parts of objects.

    Raises:
        ValueError: an option is out of range.
    """

    max_conflict: float = option(0.1, SHARE)
    min_reliability: float = option(0.8, number(at_least=0, below=1))
    min_predicted_iou: float = option(0.0, SHARE)
    min_gain: float = option(0.05, number(above=0, at_most=1))

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(
        self, components: Sequence[ComponentCandidates]
    ) -> list[Selection]:
        """Returns the selection for each component of an image, in order."""
        conflicts = measure_conflicts(components)
        return [
            self._select(candidates, conflict)
            for candidates, conflict in zip(components, conflicts)
        ]

    def _select(
        self, candidates: ComponentCandidates, conflict: np.ndarray
    ) -> Selection:
        # Negated comparisons reject NaN.
        fails = {
            Verdict.COVERAGE: ~(candidates.coverage > 0),
            Verdict.CONFLICT: ~(conflict <= self.max_conflict),
            Verdict.RELIABILITY: ~(
                candidates.reliability >= self.min_reliability
            ),
            Verdict.SCORE: ~(candidates.scores >= self.min_predicted_iou),
        }
        allowed = ~np.logical_or.reduce(list(fails.values()))
        chosen = self._cover(candidates, allowed)
        verdicts = np.full(len(allowed), Verdict.GAIN)
        for verdict in reversed(fails):
            verdicts[fails[verdict]] = verdict
        verdicts[chosen] = Verdict.TAKEN
        return Selection(tuple(verdicts), tuple(chosen), conflict)

    def _cover(
        self, candidates: ComponentCandidates, allowed: np.ndarray
    ) -> list[int]:
        """Returns the largest candidate, and those that add enough to it.

        What they add must be as reliable as a whole mask. A mask for which
        that fails once is left out.
        """
        numbers, chosen = np.flatnonzero(allowed), []
        every = candidates.inside
        inside = every[numbers]
        while len(numbers):
            gain = np.count_nonzero(inside, axis=1)
            # Masks that contain no pixel with evidence have equal gains.
            best = np.lexsort((candidates.areas[numbers], gain))[-1]
            total = every[chosen].any(axis=0).sum()
            if chosen and gain[best] < max(self.min_gain * total, 1):
                break
            chosen.append(int(numbers[best]))
            # What a mask adds may be all that it holds of another object.
            inside = inside & ~every[chosen[-1]]
            added = candidates.reliability_of_parts(numbers, inside)
            inside[~(added >= self.min_reliability)] = False
        return chosen


def measure_conflicts(
    components: Sequence[ComponentCandidates],
) -> list[np.ndarray]:
    """Returns (M,) conflicts for each component of an image, in order."""
    extents = np.array([candidates.extent for candidates in components])
    return [candidates.conflict(extents) for candidates in components]
