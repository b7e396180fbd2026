"""Image and weak label -> pseudo-label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.compose import Claim, compose
from mmseg_sesam.core.evidence import Evidence, find_rivals
from mmseg_sesam.core.gaps import fill_gaps
from mmseg_sesam.core.growth import (
    GrowthDoubt,
    count_growth,
    measure_growth,
)
from mmseg_sesam.core.prompts import PointPrompt, SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector, measure_mask
from mmseg_sesam.options import (
    CONFIG,
    FLAG,
    LABEL_ID,
    SHARE,
    check_option,
    check_options,
    count,
)

from .answers import Answer, ask
from .kept import KeptMask, component_name

# The method knows no framework, so its configurable parts are registered
# here, where they meet one.
TASK_UTILS.register_module(module=SkeletonPrompter)
TASK_UTILS.register_module(module=CoverageMaskSelector)


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
        conflict: share of rivals in the labelled pixels held.
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
        masks: of the components by name, for a later round.
    """

    label: np.ndarray
    records: list[ComponentRecord]
    masks: dict[str, KeptMask]


class Parts(NamedTuple):
    """The components of a label, and the prompts and rivals of each.

    Attributes:
        components: K of them.
        prompts: K lists, of each the prompt with all points first.
        rivals: (K, K) bool, see `find_rivals`.
    """

    components: list[Component]
    prompts: list[list[PointPrompt]]
    rivals: np.ndarray


class _Choice(NamedTuple):
    """The mask of a component, and how it measures."""

    kept: KeptMask
    coverage: float = 0.0
    conflict: float = 0.0
    doubt: float = 0.0


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
        one_mark_per_object: see `find_rivals`; for points, one to an object.
        max_evidence: labelled pixels by which candidates are judged, see
            `Evidence.gather`; 32 of each component where those are more.
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
        one_mark_per_object: bool = False,
        max_evidence: int = 8192,
        gap_purity: float = 0.0,
        prompts_per_call: int = 256,
        ignore_index: int = 255,
    ) -> None:
        if prompter is None:
            prompter = dict(type='SkeletonPrompter')
        if selector is None:
            selector = dict(type='CoverageMaskSelector')
        owner = type(self).__name__
        check_option(owner, 'segmenter', segmenter, CONFIG)
        check_option(owner, 'prompter', prompter, CONFIG)
        check_option(owner, 'selector', selector, CONFIG)
        self.segmenter = TASK_UTILS.build(segmenter)
        self.prompter = TASK_UTILS.build(prompter)
        self.selector = TASK_UTILS.build(selector)
        self.closing_radius = closing_radius
        self.min_area = min_area
        self.one_mark_per_object = one_mark_per_object
        self.max_evidence = max_evidence
        self.gap_purity = gap_purity
        self.prompts_per_call = prompts_per_call
        self.ignore_index = ignore_index
        check_options(
            self,
            closing_radius=count(),
            min_area=count(),
            one_mark_per_object=FLAG,
            max_evidence=count(1),
            gap_purity=SHARE,
            prompts_per_call=count(1),
            ignore_index=LABEL_ID,
        )

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What its pseudo-labels depend on, as JSON values."""
        return dict(
            segmenter=self.segmenter.fingerprint,
            prompter=asdict(self.prompter),
            selector=asdict(self.selector),
            closing_radius=self.closing_radius,
            min_area=self.min_area,
            one_mark_per_object=self.one_mark_per_object,
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
        kept: Mapping[str, KeptMask] | None = None,
    ) -> PseudoLabel:
        """Makes the pseudo-label of one image.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label, in later rounds enriched with
                confident predictions.
            drawn: (H, W) bool, true on pixels labelled by a person; by
                default all labelled pixels.
            doubt: about masks by their growth; by default none.
            kept: masks of an earlier round. A component that was there
                already keeps its mask, unless it has come to conflict with
                the label: the segmenter is not asked again.

        Returns:
            The pseudo-label.

        Raises:
            ValueError: image and label differ in size.
        """
        doubt = doubt or GrowthDoubt.none()
        parts = self.take_apart(image, label, drawn)
        names = list(map(component_name, parts.components, parts.prompts))
        choices = [
            self._choose_again(
                (kept or {}).get(name), parts, owner, label, doubt
            )
            for owner, name in enumerate(names)
        ]
        anew = [i for i, choice in enumerate(choices) if choice is None]
        for answer, evidence in self._ask(image, parts, anew):
            choices[answer.owner] = self._choose(
                answer, evidence, parts, label, doubt
            )
        claims = [
            _claim(component, choice)
            for component, choice in zip(parts.components, choices)
            if choice.kept.chosen
        ]
        pseudo_label = compose(label, claims, self.ignore_index)
        if self.gap_purity:
            pseudo_label = fill_gaps(
                pseudo_label, self.gap_purity, self.ignore_index
            )
        records = list(map(_record, parts.components, parts.prompts, choices))
        masks = {n: choice.kept for n, choice in zip(names, choices)}
        return PseudoLabel(pseudo_label, records, masks)

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
        parts = self.take_apart(image, label, drawn)
        owners = range(len(parts.components))
        for answer, evidence in self._ask(image, parts, owners):
            hits = answer.hits(evidence)
            conflict = evidence.conflict(hits, answer.owner)
            refuted = conflict > self.selector.max_conflict
            counts += count_growth(
                answer.component.class_id,
                answer.growth(hits, evidence),
                refuted,
            )
        return counts

    def take_apart(
        self,
        image: np.ndarray,
        label: np.ndarray,
        drawn: np.ndarray | None = None,
    ) -> Parts:
        """Finds the components of a label, and their prompts.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8.
            drawn: (H, W) bool, true on pixels labelled by a person.

        Returns:
            The components, and the prompts and rivals of each.

        Raises:
            ValueError: image and label differ in size.
        """
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
        return Parts(
            components,
            self.prompter(components),
            find_rivals(components, self.one_mark_per_object),
        )

    def _ask(
        self, image: np.ndarray, parts: Parts, owners: Sequence[int]
    ) -> Iterator[tuple[Answer, Evidence]]:
        """Asks the segmenter for some components; encodes if it must."""
        if not owners:
            return
        embedding = self.segmenter.encode([image])[0]
        evidence = Evidence.gather(
            parts.components, parts.rivals, self.max_evidence
        )
        answers = ask(
            self.segmenter,
            embedding,
            parts.components,
            parts.prompts,
            owners,
            self.prompts_per_call,
        )
        for answer in answers:
            yield answer, evidence

    def _choose(
        self,
        answer: Answer,
        evidence: Evidence,
        parts: Parts,
        label: np.ndarray,
        doubt: GrowthDoubt,
    ) -> _Choice:
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
                scores,
                candidates.stability[answer.rows].ravel(),
                candidates.areas[answer.rows].ravel(),
                doubts,
            )
            if not selection.chosen:
                return _Choice(KeptMask())
            mask = answer.union(selection.chosen)
            if mask.shape != label.shape:
                # Of another image's size: of no use.
                return _Choice(KeptMask())
            measures = self._measure(mask, parts, answer.owner, label, doubt)
            if self.selector.accepts(*measures):
                chosen = [list(answer.split(i)) for i in selection.chosen]
                kept = KeptMask.of_mask(mask, chosen, selection.predicted_iou)
                return _Choice(kept, *measures)
            # Thinned evidence, or the segmenter's estimate of which pixels
            # a mask holds, was too kind to the last candidate added; or
            # the masks are credible but their union is not.
            scores[selection.chosen[-1]] = np.nan

    def _choose_again(
        self,
        kept: KeptMask | None,
        parts: Parts,
        owner: int,
        label: np.ndarray,
        doubt: GrowthDoubt,
    ) -> _Choice | None:
        """Takes the mask of an earlier round; None if there is none."""
        if kept is None or not kept.chosen:
            return kept and _Choice(kept)
        mask = kept.draw(label.shape)
        measures = self._measure(mask, parts, owner, label, doubt)
        if not self.selector.accepts(*measures):
            return None
        return _Choice(kept, *measures)

    def _measure(
        self,
        mask: np.ndarray,
        parts: Parts,
        owner: int,
        label: np.ndarray,
        doubt: GrowthDoubt,
    ) -> tuple[float, float, float]:
        """Coverage, conflict and doubt of a (H, W) bool mask."""
        component = parts.components[owner]
        rivals = []
        if self.one_mark_per_object:
            rivals = [
                other
                for other, rival in zip(parts.components, parts.rivals[owner])
                if rival and other.class_id == component.class_id
            ]
        coverage, conflict = measure_mask(
            mask, component, label, self.ignore_index, rivals
        )
        growth = measure_growth(
            np.array([np.count_nonzero(mask)]),
            np.array([coverage * component.area]),
        )
        return coverage, conflict, float(doubt(component.class_id, growth)[0])


def _claim(component: Component, choice: _Choice) -> Claim:
    kept = choice.kept
    return Claim(
        class_id=component.class_id,
        row=kept.bbox[0],
        col=kept.bbox[1],
        mask=kept.crop,
        score=choice.coverage * kept.predicted_iou * (1 - choice.doubt),
        area=kept.area,
    )


def _record(
    component: Component, prompts: list[PointPrompt], choice: _Choice
) -> ComponentRecord:
    together = prompts[0]
    return ComponentRecord(
        class_id=component.class_id,
        bbox=component.bbox,
        area=component.area,
        drawn=component.drawn,
        points=np.column_stack([together.points, together.labels]).tolist(),
        chosen=choice.kept.chosen,
        coverage=round(choice.coverage, 4),
        conflict=round(choice.conflict, 4),
        doubt=round(choice.doubt, 4),
        predicted_iou=round(choice.kept.predicted_iou, 4),
        mask_area=choice.kept.area,
    )
