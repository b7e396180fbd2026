"""Candidate masks of a component -> the masks that cover its weak label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.components import Component
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.validators import SHARE, check_options, number, one_of


class Selection(NamedTuple):
    """The candidates chosen for a component.

    Attributes:
        chosen: indices of the candidates whose union is the mask, the best
            one first; empty if none is good enough.
        coverage: of the union, in [0, 1].
        conflict: of the union, in [0, 1].
        predicted_iou: mean of the chosen candidates' scores, in [0, 1].
    """

    chosen: tuple[int, ...] = ()
    coverage: float = 0.0
    conflict: float = 0.0
    predicted_iou: float = 0.0


@dataclass(frozen=True)
class CoverageMaskSelector:
    """Chooses masks by how much of the weak label they cover.

    Source: step 4 of SeSAM (selection by weak-label coverage); the rules
    for conflict, ties and merging, and every number, are our choice.

    Attributes:
        max_conflict: masks of which a larger share of the labelled pixels
            belongs to rivals, see `find_rivals`, are never taken, nor unions
            of masks.
        min_predicted_iou: masks with a lower score are never taken.
        min_stability: masks with a lower stability are never taken.
        min_coverage: a component whose union covers less than this share
            of its pixels gets no mask.
        coverage_step: coverages are compared in steps of this size; within
            one predicted IoU decides. Otherwise the largest of nested masks
            would always win.
        merge: 'best' takes one mask; 'greedy' goes on adding masks while
            each adds `min_gain`.
        min_gain: share of the component's pixels that a further mask has
            to add.
        max_rejected_share: masks and unions are never taken if a larger
            share of the masks of their class and expansion conflicts with
            weak labels, see `ExpansionPrior`; 1 switches this rule off.

    Raises:
        ValueError: `merge` is unknown or a share is outside of [0, 1].
    """

    max_conflict: float = 0.05
    min_predicted_iou: float = 0.0
    min_stability: float = 0.0
    min_coverage: float = 0.5
    coverage_step: float = 0.05
    merge: str = 'greedy'
    min_gain: float = 0.05
    max_rejected_share: float = 0.8

    def __post_init__(self) -> None:
        step = number(above=0, at_most=1)
        check_options(
            self,
            max_conflict=SHARE,
            min_predicted_iou=SHARE,
            min_stability=SHARE,
            min_coverage=SHARE,
            coverage_step=step,
            merge=one_of(('best', 'greedy')),
            min_gain=step,
            max_rejected_share=SHARE,
        )

    def __call__(
        self,
        hits: np.ndarray,
        evidence: LabelledPixels,
        owner: int,
        scores: np.ndarray,
        stability: np.ndarray,
        areas: np.ndarray,
        doubt: np.ndarray,
    ) -> Selection:
        """Chooses among the candidates of one component.

        Args:
            hits: (M, N) bool, which of the evidence each candidate holds.
            evidence: the labelled pixels of the image.
            owner: index of the component in the evidence.
            scores: (M,) predicted IoU; NaN rules a candidate out.
            stability: (M,) stability score.
            areas: (M,) pixels; between equals the smaller mask wins.
            doubt: (M,) share of such masks that are wrong, in [0, 1].

        Returns:
            The selection; its `chosen` is empty if nothing is admissible
            or the coverage remains under `min_coverage`.
        """
        conflict = evidence.conflict(hits, owner)
        allowed = (
            (scores >= self.min_predicted_iou)
            & (stability >= self.min_stability)
            & (conflict <= self.max_conflict)
            & (doubt <= self.max_rejected_share)
        )
        # What each candidate makes of those chosen before.
        grown = hits
        chosen: list[int] = []
        covered = conflicting = 0.0
        while True:
            coverage = evidence.coverage(grown, owner)
            gain = coverage - covered
            admissible = allowed & (conflict <= self.max_conflict)
            admissible &= gain >= self.min_gain if chosen else gain > 0
            if not admissible.any():
                break
            steps = np.round(gain / self.coverage_step)
            best = _first(admissible, steps, scores, -areas)
            chosen.append(best)
            covered, conflicting = float(coverage[best]), float(conflict[best])
            if self.merge == 'best':
                break
            grown = hits | grown[best]
            conflict = evidence.conflict(grown, owner)
        if not self.accepts(covered, conflicting, 0.0):
            return Selection()
        return Selection(
            chosen=tuple(chosen),
            coverage=covered,
            conflict=conflicting,
            predicted_iou=float(scores[chosen].mean()),
        )

    def accepts(self, coverage: float, conflict: float, doubt: float) -> bool:
        """Tells whether a component may take a mask.

        A mask without any pixel of the component is never taken.

        Args:
            coverage: of the mask, in [0, 1].
            conflict: of the mask, in [0, 1].
            doubt: about the mask, in [0, 1].
        """
        return (
            coverage > 0
            and coverage >= self.min_coverage
            and conflict <= self.max_conflict
            and doubt <= self.max_rejected_share
        )


def measure_mask(
    mask: np.ndarray,
    component: Component,
    label: np.ndarray,
    ignore_index: int = 255,
    same_class_rivals: Iterable[Component] = (),
) -> tuple[float, float]:
    """Measures a mask against every labelled pixel of the image.

    Args:
        mask: (H, W) bool.
        component: the one that the mask is meant for.
        label: (H, W) uint8, the label that the component is of.
        ignore_index: the value of unlabelled pixels.
        same_class_rivals: components of the same class that the mask should
            not hold.

    Returns:
        Coverage and conflict, as `LabelledPixels` defines them.
    """
    # Much faster than to take the labels inside of the mask.
    labelled = np.count_nonzero(mask & (label != ignore_index))
    own = np.count_nonzero(mask & (label == component.class_id))
    own -= sum(_count_inside(mask, rival) for rival in same_class_rivals)
    inside = _count_inside(mask, component)
    conflict = (labelled - own) / labelled if labelled else 0.0
    return inside / component.area, conflict


def _count_inside(mask: np.ndarray, component: Component) -> int:
    """Pixels of a component that a (H, W) bool mask holds."""
    return np.count_nonzero(mask[component.slices] & component.mask)


def _first(admissible: np.ndarray, *keys: np.ndarray) -> int:
    """Index of the admissible entry with the largest keys, in order."""
    indices = np.flatnonzero(admissible)
    order = np.lexsort([key[indices] for key in reversed(keys)])
    return int(indices[order[-1]])
