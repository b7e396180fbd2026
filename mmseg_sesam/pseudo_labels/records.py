"""The record of one component, for reports and debugging."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.compose import ClassMask
from mmseg_sesam.core.selection import Selection


class ComponentRecord(NamedTuple):
    """A component, and the mask that was selected for it.

    Attributes:
        class_id: class of the component.
        bbox: (row0, col0, row1, col1), half open, in pixels.
        area: labelled pixels of the component.
        from_person: whether a person labelled any of its pixels.
        points: points of its first prompt, which has all, as [x, y].
        chosen: candidates taken as [prompt, index]; empty if the component
            keeps its weak pixels alone.
        verdicts: number of candidates with each `Verdict`.
        coverage: share of the component's pixels inside the mask.
        conflict: largest conflict of the candidates taken, see
            `ComponentCandidates.conflict`.
        reliability: least reliability of the candidates taken.
        predicted_iou: mean score of the candidates taken.
        mask_area: pixels of the mask.
    """

    class_id: int
    bbox: tuple[int, int, int, int]
    area: int
    from_person: bool
    points: list[list[float]]
    chosen: list[list[int]]
    verdicts: dict[str, int]
    coverage: float
    conflict: float
    reliability: float
    predicted_iou: float
    mask_area: int

    @classmethod
    def of(
        cls,
        candidates: ComponentCandidates,
        selection: Selection,
        mask: ClassMask | None,
    ) -> ComponentRecord:
        """Returns the record of a component and its mask, as JSON values.

        The mask is None if the component has none.
        """
        component, together = candidates.component, candidates.prompts[0]
        coverage, taken = 0.0, []
        if mask is not None:
            taken = list(selection.chosen)
            held = mask.count_in(component.mask, component.bbox[:2])
            coverage = held / component.area
        return cls(
            class_id=component.class_id,
            bbox=component.bbox,
            area=component.area,
            from_person=component.from_person,
            points=together.points.tolist(),
            chosen=[list(candidates.split(n)) for n in taken],
            verdicts=dict(Counter(v.value for v in selection.verdicts)),
            coverage=_rounded(coverage),
            conflict=_rounded(selection.conflict[taken].max(initial=0)),
            reliability=_rounded(
                candidates.reliability[taken].min(initial=1) if taken else 0
            ),
            predicted_iou=_rounded(
                candidates.scores[taken].mean() if taken else 0
            ),
            mask_area=0 if mask is None else mask.area,
        )

    @property
    def fell_back(self) -> bool:
        """Whether the component keeps its weak pixels alone."""
        return not self.chosen


def _rounded(value: float) -> float:
    return round(float(value), 4)
