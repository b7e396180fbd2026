"""The record of one component, for reports and debugging."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.selection import Selection


class ComponentRecord(NamedTuple):
    """A component, and the mask that was selected for it.

    Attributes:
        class_id: class of the component.
        bbox: (row0, col0, row1, col1), half open, in pixels.
        area: labelled pixels of the component.
        from_person: whether a person labelled any of its pixels.
        points: positive and negative points as [x, y, label].
        chosen: candidates taken as [prompt, index]; empty if the component
            keeps its weak pixels alone.
        verdicts: number of candidates with each `Verdict`.
        coverage: share of the component's pixels inside the mask.
        conflict: share of exclusive components among the labelled pixels
            inside the mask.
        rejected_share: share of masks of its class and expansion that
            conflict with weak labels, see `ExpansionPrior`.
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
    rejected_share: float
    predicted_iou: float
    mask_area: int

    @classmethod
    def of(
        cls, candidates: ComponentCandidates, selection: Selection
    ) -> ComponentRecord:
        """Returns the record of a component and its mask, as JSON values."""
        component, together = candidates.component, candidates.prompts[0]
        measures, mask = selection.measures, selection.mask
        area = 0 if mask is None else int(np.count_nonzero(mask))
        return cls(
            class_id=component.class_id,
            bbox=component.bbox,
            area=component.area,
            from_person=component.from_person,
            points=np.column_stack(together).tolist(),
            chosen=[list(candidates.split(n)) for n in selection.chosen],
            verdicts=dict(Counter(v.value for v in selection.verdicts)),
            coverage=round(measures.coverage, 4),
            conflict=round(measures.conflict, 4),
            rejected_share=round(measures.rejected_share, 4),
            predicted_iou=round(selection.predicted_iou, 4),
            mask_area=area,
        )

    @property
    def fell_back(self) -> bool:
        """Whether the component keeps its weak pixels alone."""
        return not self.chosen
