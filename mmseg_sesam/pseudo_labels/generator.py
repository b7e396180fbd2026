"""Image and weak label -> pseudo-label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.component_masks import StoredMask, component_name
from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.compose import ScoredMask, compose
from mmseg_sesam.core.expansion import (
    ExpansionPrior,
    count_expansions,
    measure_expansion,
)
from mmseg_sesam.core.fill_holes import fill_holes
from mmseg_sesam.core.labelled_pixels import LabelledPixels, find_rivals
from mmseg_sesam.core.prompts import PointPrompt, SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector, measure_mask
from mmseg_sesam.pseudo_labels.component_candidates import Answer, ask
from mmseg_sesam.validators import (
    CONFIG,
    FLAG,
    LABEL_ID,
    SHARE,
    check_option,
    check_options,
    count,
)

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
        from_person: whether a person labelled any of its pixels.
        points: its positive and negative points as [x, y, label].
        chosen: the candidates taken as [prompt, index]; empty if it keeps
            its weak pixels alone.
        coverage: share of its pixels that the mask holds.
        conflict: share of rivals in the labelled pixels held.
        rejected_share: share of masks of its class and expansion that conflict
            with weak labels, see `ExpansionPrior`.
        predicted_iou: mean score of the candidates taken.
        mask_area: pixels of the mask.
    """

    class_id: int
    bbox: tuple[int, int, int, int]
    area: int
    from_person: bool
    points: list[list[float]]
    chosen: list[list[int]]
    coverage: float
    conflict: float
    rejected_share: float
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
    masks: dict[str, StoredMask]


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

    kept: StoredMask
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
        one_component_per_object: see `find_rivals`; for points, one to an
            object.
        max_labelled_pixels: labelled pixels that candidates are measured
            on, see `LabelledPixels.gather`; 32 of each component where those
            are more.
        hole_purity: see `fill_holes`; 0 leaves gaps unlabelled. Only for weak
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
        one_component_per_object: bool = False,
        max_labelled_pixels: int = 8192,
        hole_purity: float = 0.0,
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
        self.one_component_per_object = one_component_per_object
        self.max_labelled_pixels = max_labelled_pixels
        self.hole_purity = hole_purity
        self.prompts_per_call = prompts_per_call
        self.ignore_index = ignore_index
        check_options(
            self,
            closing_radius=count(),
            min_area=count(),
            one_component_per_object=FLAG,
            max_labelled_pixels=count(1),
            hole_purity=SHARE,
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
            one_component_per_object=self.one_component_per_object,
            max_labelled_pixels=self.max_labelled_pixels,
            hole_purity=self.hole_purity,
            ignore_index=self.ignore_index,
        )

    def __call__(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
        doubt: ExpansionPrior | None = None,
        kept: Mapping[str, StoredMask] | None = None,
    ) -> PseudoLabel:
        """Makes the pseudo-label of one image.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label, in later rounds enriched with
                confident predictions.
            from_person: (H, W) bool, true on pixels labelled by a person; by
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
        doubt = doubt or ExpansionPrior.none()
        parts = self.prepare(image, label, from_person)
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
        if self.hole_purity:
            pseudo_label = fill_holes(
                pseudo_label, self.hole_purity, self.ignore_index
            )
        records = list(map(_record, parts.components, parts.prompts, choices))
        masks = {n: choice.kept for n, choice in zip(names, choices)}
        return PseudoLabel(pseudo_label, records, masks)

    def count_expansions(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
    ) -> np.ndarray:
        """Counts masks by growth, for `ExpansionPrior.fit`.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label.
            from_person: (H, W) bool, true on pixels labelled by a person.

        Returns:
            (2, 256, B) int64, see `count_expansions`.

        Raises:
            ValueError: image and label differ in size.
        """
        counts = ExpansionPrior.no_counts()
        parts = self.prepare(image, label, from_person)
        owners = range(len(parts.components))
        for answer, evidence in self._ask(image, parts, owners):
            hits = answer.hits(evidence)
            conflict = evidence.conflict(hits, answer.owner)
            refuted = conflict > self.selector.max_conflict
            counts += count_expansions(
                answer.component.class_id,
                answer.growth(hits, evidence),
                refuted,
            )
        return counts

    def prepare(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
    ) -> Parts:
        """Finds the components of a label, and their prompts.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8.
            from_person: (H, W) bool, true on pixels labelled by a person.

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
            from_person,
            ignore_index=self.ignore_index,
            closing_radius=self.closing_radius,
            min_area=self.min_area,
        )
        return Parts(
            components,
            self.prompter(components),
            find_rivals(components, self.one_component_per_object),
        )

    def _ask(
        self, image: np.ndarray, parts: Parts, owners: Sequence[int]
    ) -> Iterator[tuple[Answer, LabelledPixels]]:
        """Asks the segmenter for some components; encodes if it must."""
        if not owners:
            return
        embedding = self.segmenter.encode([image])[0]
        evidence = LabelledPixels.gather(
            parts.components, parts.rivals, self.max_labelled_pixels
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
        evidence: LabelledPixels,
        parts: Parts,
        label: np.ndarray,
        doubt: ExpansionPrior,
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
                return _Choice(StoredMask())
            mask = answer.union(selection.chosen)
            if mask.shape != label.shape:
                # Of another image's size: of no use.
                return _Choice(StoredMask())
            measures = self._measure(mask, parts, answer.owner, label, doubt)
            if self.selector.accepts(*measures):
                chosen = [list(answer.split(i)) for i in selection.chosen]
                kept = StoredMask.of_mask(
                    mask, chosen, selection.predicted_iou
                )
                return _Choice(kept, *measures)
            # Thinned evidence, or the segmenter's estimate of which pixels
            # a mask holds, was too kind to the last candidate added; or
            # the masks are credible but their union is not.
            scores[selection.chosen[-1]] = np.nan

    def _choose_again(
        self,
        kept: StoredMask | None,
        parts: Parts,
        owner: int,
        label: np.ndarray,
        doubt: ExpansionPrior,
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
        doubt: ExpansionPrior,
    ) -> tuple[float, float, float]:
        """Coverage, conflict and doubt of a (H, W) bool mask."""
        component = parts.components[owner]
        rivals = []
        if self.one_component_per_object:
            rivals = [
                other
                for other, rival in zip(parts.components, parts.rivals[owner])
                if rival and other.class_id == component.class_id
            ]
        coverage, conflict = measure_mask(
            mask, component, label, self.ignore_index, rivals
        )
        growth = measure_expansion(
            np.array([np.count_nonzero(mask)]),
            np.array([coverage * component.area]),
        )
        return coverage, conflict, float(doubt(component.class_id, growth)[0])


def _claim(component: Component, choice: _Choice) -> ScoredMask:
    kept = choice.kept
    return ScoredMask(
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
        from_person=component.from_person,
        points=np.column_stack([together.points, together.labels]).tolist(),
        chosen=choice.kept.chosen,
        coverage=round(choice.coverage, 4),
        conflict=round(choice.conflict, 4),
        rejected_share=round(choice.doubt, 4),
        predicted_iou=round(choice.kept.predicted_iou, 4),
        mask_area=choice.kept.area,
    )
