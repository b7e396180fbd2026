"""Image and weak label -> pseudo-label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.compose import Claim, compose
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.gaps import fill_gaps
from mmseg_sesam.core.growth import (
    GrowthDoubt,
    count_growth,
    measure_growth,
)
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.selection import measure_mask
from mmseg_sesam.segmenters.base import Candidates


class ComponentRecord(NamedTuple):
    """What became of one component, for reports and debugging.

    Attributes:
        class_id: its class.
        bbox: (row0, col0, row1, col1), half open, in pixels.
        area: labelled pixels.
        drawn: whether a person drew any of it.
        points: its positive and negative points as [x, y, label].
        chosen: the candidates taken as [prompt, index]; empty if it keeps
            its weak pixels alone.
        coverage: share of its pixels that the mask holds.
        conflict: share of other classes in the labelled pixels held.
        doubt: about the mask, by its growth.
        predicted_iou: mean score of the candidates taken.
        mask_area: pixels of the mask.
    """

    class_id: int
    bbox: tuple[int, int, int, int]
    area: int
    drawn: bool
    points: list[list[float]]
    chosen: list[list[int]]
    coverage: float
    conflict: float
    doubt: float
    predicted_iou: float
    mask_area: int

    @property
    def fell_back(self) -> bool:
        """Whether no mask was good enough."""
        return not self.chosen


class PseudoLabel(NamedTuple):
    """A pseudo-label and how it came about.

    Attributes:
        label: (H, W) uint8 class ids, `ignore_index` where unlabelled.
        records: one for each component.
    """

    label: np.ndarray
    records: list[ComponentRecord]


class _Answer(NamedTuple):
    """What the segmenter answered for one component."""

    component: Component
    owner: int
    prompts: list[PointPrompt]
    candidates: Candidates
    first: int

    @property
    def rows(self) -> slice:
        """Which of the candidates' prompts are the component's."""
        return slice(self.first, self.first + len(self.prompts))

    def split(self, index: int) -> tuple[int, int]:
        """Index over all candidates -> (prompt of the component, index)."""
        return divmod(index, self.candidates.scores.shape[1])

    def hits(self, evidence: Evidence) -> np.ndarray:
        """(M, N) bool, which of the evidence each candidate holds."""
        hits = self.candidates.contains(
            evidence.rows, evidence.cols, self.rows
        )
        return hits.reshape(-1, hits.shape[-1])

    def growth(self, hits: np.ndarray, evidence: Evidence) -> np.ndarray:
        """(M,) growth of each candidate, see `measure_growth`."""
        held = evidence.coverage(hits, self.owner) * self.component.area
        return measure_growth(self.candidates.areas[self.rows].ravel(), held)

    def union(self, chosen: Sequence[int]) -> np.ndarray:
        """The (H, W) bool mask that candidates make together."""
        masks = [
            self.candidates.mask(self.first + prompt, index)
            for prompt, index in map(self.split, chosen)
        ]
        return masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)


class _Choice(NamedTuple):
    """The union of candidates chosen for a component, measured."""

    chosen: tuple[int, ...] = ()
    coverage: float = 0.0
    conflict: float = 0.0
    doubt: float = 0.0
    predicted_iou: float = 0.0


@TASK_UTILS.register_module()
class PseudoLabelGenerator:
    """Makes pseudo-labels from weak labels with a segmenter.

    Source: steps 1 to 5 of SeSAM; every default is our choice.

    Args:
        segmenter: config of a `BaseSegmenter`.
        prompter: config of the prompter.
        selector: config of the mask selector.
        closing_radius: see `find_components`, in pixels.
        min_area: see `find_components`, in pixels.
        max_evidence: labelled pixels by which candidates are judged, see
            `Evidence.gather`.
        gap_purity: see `fill_gaps`; 0 leaves gaps unlabelled. Only for weak
            labels that mark every object.
        prompts_per_call: prompts sent to the segmenter at once; bounds the
            memory that candidates take.
        ignore_index: the value of unlabelled pixels.
    """

    def __init__(
        self,
        segmenter: dict,
        prompter: dict | None = None,
        selector: dict | None = None,
        closing_radius: int = 0,
        min_area: int = 64,
        max_evidence: int = 65536,
        gap_purity: float = 0.0,
        prompts_per_call: int = 256,
        ignore_index: int = 255,
    ) -> None:
        self.segmenter = TASK_UTILS.build(segmenter)
        self.prompter = TASK_UTILS.build(
            prompter or dict(type='SkeletonPrompter')
        )
        self.selector = TASK_UTILS.build(
            selector or dict(type='CoverageMaskSelector')
        )
        self.closing_radius = closing_radius
        self.min_area = min_area
        self.max_evidence = max_evidence
        self.gap_purity = gap_purity
        self.prompts_per_call = prompts_per_call
        self.ignore_index = ignore_index

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What its pseudo-labels depend on, as JSON values."""
        return dict(
            segmenter=self.segmenter.fingerprint,
            prompter=asdict(self.prompter),
            selector=asdict(self.selector),
            closing_radius=self.closing_radius,
            min_area=self.min_area,
            max_evidence=self.max_evidence,
            gap_purity=self.gap_purity,
            ignore_index=self.ignore_index,
        )

    def __call__(
        self,
        image: np.ndarray,
        label: np.ndarray,
        drawn: np.ndarray | None = None,
        doubt: GrowthDoubt | None = None,
    ) -> PseudoLabel:
        """Makes the pseudo-label of one image.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label, in later rounds enriched with
                confident predictions.
            drawn: (H, W) bool, true on pixels labelled by a person; by
                default all labelled pixels.
            doubt: about masks by their growth; by default none.

        Returns:
            The pseudo-label.

        Raises:
            ValueError: image and label differ in size.
        """
        doubt = doubt or GrowthDoubt.none()
        claims, records = [], []
        for answer, evidence in self._answers(image, label, drawn):
            choice, mask = self._choose(answer, evidence, label, doubt)
            if mask is not None:
                trust = choice.predicted_iou * (1 - choice.doubt)
                class_id = answer.component.class_id
                claims.append(
                    Claim.of_mask(mask, class_id, choice.coverage * trust)
                )
            records.append(_record(answer, choice, mask))
        pseudo_label = compose(label, claims, self.ignore_index)
        if self.gap_purity:
            pseudo_label = fill_gaps(
                pseudo_label, self.gap_purity, self.ignore_index
            )
        return PseudoLabel(pseudo_label, records)

    def count_growth(
        self,
        image: np.ndarray,
        label: np.ndarray,
        drawn: np.ndarray | None = None,
    ) -> np.ndarray:
        """Counts masks by growth, for `GrowthDoubt.fit`.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label.
            drawn: (H, W) bool, true on pixels labelled by a person.

        Returns:
            (2, 256, B) int64, see `count_growth`.

        Raises:
            ValueError: image and label differ in size.
        """
        counts = GrowthDoubt.no_counts()
        for answer, evidence in self._answers(image, label, drawn):
            class_id = answer.component.class_id
            hits = answer.hits(evidence)
            conflict = evidence.conflict(hits, class_id)
            refuted = conflict > self.selector.max_conflict
            counts += count_growth(
                class_id, answer.growth(hits, evidence), refuted
            )
        return counts

    def _answers(
        self, image: np.ndarray, label: np.ndarray, drawn: np.ndarray | None
    ) -> Iterator[tuple[_Answer, Evidence]]:
        """Asks the segmenter for every component of a label."""
        if image.shape[:2] != label.shape:
            raise ValueError(
                f'The image is {image.shape[:2]} and its label {label.shape} '
                '(height, width) pixels; both must have one size.'
            )
        components = find_components(
            label,
            drawn,
            ignore_index=self.ignore_index,
            closing_radius=self.closing_radius,
            min_area=self.min_area,
        )
        if not components:
            return
        embedding = self.segmenter.encode([image])[0]
        evidence = Evidence.gather(components, self.max_evidence)
        for answer in self._ask(embedding, components):
            yield answer, evidence

    def _ask(
        self, embedding: Any, components: list[Component]
    ) -> Iterator[_Answer]:
        """Prompts the segmenter for all components, some at a time."""
        prompts = self.prompter(components)
        for owners in _chunks(prompts, self.prompts_per_call):
            asked = [prompt for owner in owners for prompt in prompts[owner]]
            candidates = self.segmenter.decode(embedding, asked)
            first = 0
            for owner in owners:
                yield _Answer(
                    components[owner], owner, prompts[owner], candidates, first
                )
                first += len(prompts[owner])

    def _choose(
        self,
        answer: _Answer,
        evidence: Evidence,
        label: np.ndarray,
        doubt: GrowthDoubt,
    ) -> tuple[_Choice, np.ndarray | None]:
        """Selects candidates, and draws and measures their union."""
        candidates, component = answer.candidates, answer.component
        hits = answer.hits(evidence)
        scores = candidates.scores[answer.rows].ravel().copy()
        doubts = doubt(component.class_id, answer.growth(hits, evidence))
        while True:
            selection = self.selector(
                hits,
                evidence,
                answer.owner,
                component.class_id,
                scores,
                candidates.stability[answer.rows].ravel(),
                candidates.areas[answer.rows].ravel(),
                doubts,
            )
            if not selection.chosen:
                return _Choice(), None
            mask = answer.union(selection.chosen)
            coverage, conflict = measure_mask(
                mask, component, label, self.ignore_index
            )
            area, held = np.count_nonzero(mask), coverage * component.area
            growth = measure_growth(np.array([area]), np.array([held]))
            about = float(doubt(component.class_id, growth)[0])
            if self.selector.accepts(coverage, conflict, about):
                iou = selection.predicted_iou
                chosen = selection.chosen
                return _Choice(chosen, coverage, conflict, about, iou), mask
            # Thinned evidence, or the segmenter's estimate of which pixels
            # a mask holds, was too kind to the last candidate added; or
            # the masks are credible but their union is not.
            scores[selection.chosen[-1]] = np.nan


def _chunks(
    prompts: list[list[PointPrompt]], size: int
) -> Iterator[list[int]]:
    """Groups components so that each group has about `size` prompts."""
    group: list[int] = []
    count = 0
    for owner, own in enumerate(prompts):
        if group and count + len(own) > size:
            yield group
            group, count = [], 0
        group.append(owner)
        count += len(own)
    yield group


def _record(
    answer: _Answer, choice: _Choice, mask: np.ndarray | None
) -> ComponentRecord:
    component = answer.component
    together = answer.prompts[0]
    return ComponentRecord(
        class_id=component.class_id,
        bbox=component.bbox,
        area=component.area,
        drawn=component.drawn,
        points=np.column_stack([together.points, together.labels]).tolist(),
        chosen=[list(answer.split(index)) for index in choice.chosen],
        coverage=round(choice.coverage, 4),
        conflict=round(choice.conflict, 4),
        doubt=round(choice.doubt, 4),
        predicted_iou=round(choice.predicted_iou, 4),
        mask_area=0 if mask is None else int(np.count_nonzero(mask)),
    )
