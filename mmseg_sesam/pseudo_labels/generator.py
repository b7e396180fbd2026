"""Image and weak label -> pseudo-label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam import validators
from mmseg_sesam.core.component_candidates import (
    ComponentCandidates,
    PreparedLabel,
    decode_components,
)
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.compose import ScoredMask, compose
from mmseg_sesam.core.expansion import ExpansionPrior, count_expansions
from mmseg_sesam.core.fill_holes import fill_holes
from mmseg_sesam.core.labelled_pixels import LabelledPixels, find_exclusive
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import CoverageMaskSelector
from mmseg_sesam.pseudo_labels.records import ComponentRecord
from mmseg_sesam.validators import CONFIG, SHARE, count, option

# core/ imports no framework, so its configurable parts are registered here.
TASK_UTILS.register_module(module=SkeletonPrompter)
TASK_UTILS.register_module(module=CoverageMaskSelector)


class PseudoLabel(NamedTuple):
    """A pseudo-label and how it came about.

    Attributes:
        label: (H, W) uint8 class ids, `ignore_index` where unlabelled.
        records: one for each component.
    """

    label: np.ndarray
    records: list[ComponentRecord]


@TASK_UTILS.register_module()
@dataclass(eq=False)
class PseudoLabelGenerator:
    """Makes pseudo-labels from weak labels with a segmenter.

    Source: steps 1 to 5 of SeSAM; every default is our choice.

    Args:
        segmenter: config of a `BaseSegmenter`.
        prompter: config of the prompter; by default `SkeletonPrompter`.
        selector: config of the mask selector; by default
            `CoverageMaskSelector`.
        closing_radius: pixels by which pieces of a broken stroke are grown
            to be joined, see `find_components`. Raise it where strokes are
            broken.
        min_area: smallest component of predictions alone that is kept, in
            pixels. Raise it where refreshes add small wrong components.
        one_component_per_object: whether each component is an object of its
            own, see `find_exclusive`. Set it for points, one to an object.
        max_labelled_pixels: labelled pixels on which candidates are
            measured, see `LabelledPixels.gather`. Raise it for coarse labels
            on large images if time allows.
        hole_purity: least share of one class around a hole that it is
            filled with, see `fill_holes`; 0 leaves holes unlabelled. Set it
            only for weak labels that mark every object.
        prompts_per_call: most prompts decoded at once. Lower it if the
            candidates of large images fill the memory.
        ignore_index: value of unlabelled pixels.

    Example:
        >>> image = np.zeros((20, 30, 3), np.uint8)
        >>> image[:, 15:] = 255
        >>> weak = np.full((20, 30), 255, np.uint8)
        >>> weak[10, 5] = 0
        >>> weak[10, 25] = 1
        >>> generator = PseudoLabelGenerator(dict(type='SuperpixelSegmenter'))
        >>> generator(image, weak).label[0, [0, 14, 15, 29]]
        array([0, 0, 1, 1], dtype=uint8)
    """

    segmenter: Any = validators.required(CONFIG)
    prompter: Any = option(None, CONFIG.or_none())
    selector: Any = option(None, CONFIG.or_none())
    closing_radius: int = option(0, count())
    min_area: int = option(64, count())
    one_component_per_object: bool = option(False, validators.FLAG)
    max_labelled_pixels: int = option(8192, count(1))
    hole_purity: float = option(0.0, SHARE)
    prompts_per_call: int = option(256, count(1))
    ignore_index: int = option(255, validators.LABEL_ID)

    def __post_init__(self) -> None:
        validators.check_fields(self)
        self.segmenter = TASK_UTILS.build(self.segmenter)
        self.prompter = TASK_UTILS.build(
            self.prompter or dict(type='SkeletonPrompter')
        )
        self.selector = TASK_UTILS.build(
            self.selector or dict(type='CoverageMaskSelector')
        )

    @property
    def fingerprint(self) -> dict[str, Any]:
        """All that its pseudo-labels depend on, as JSON values."""
        options = {f.name: getattr(self, f.name) for f in fields(self)}
        # It changes the memory needed, not the labels.
        del options['prompts_per_call']
        options['segmenter'] = self.segmenter.fingerprint
        options['prompter'] = asdict(self.prompter)
        options['selector'] = asdict(self.selector)
        return options

    def __call__(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
        prior: ExpansionPrior | None = None,
    ) -> PseudoLabel:
        """Makes the pseudo-label of one image.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label, in later rounds enriched with
                confident predictions.
            from_person: (H, W) bool, true on pixels labelled by a person; by
                default all labelled pixels.
            prior: share of masks that conflict, by class and expansion; by
                default no mask is rejected for its expansion.

        Raises:
            ValueError: image and label differ in size.
        """
        # Components and their prompts: steps 1 and 2 of docs/method.md.
        prepared = self.prepare(image, label, from_person, prior)
        records, masks = [], []
        # Candidates, step 3, and the selection among them, step 4.
        for candidates in self.decode(image, prepared):
            selection = self.selector(candidates)
            records.append(ComponentRecord.of(candidates, selection))
            if selection.chosen:
                measures = selection.measures
                score = measures.coverage * selection.predicted_iou
                score *= 1 - measures.rejected_share
                class_id = candidates.component.class_id
                mask = ScoredMask.of_mask(selection.mask, class_id, score)
                masks.append(mask)
        # Composition, step 5.
        pseudo_label = compose(label, masks, self.ignore_index)
        if self.hole_purity:
            pseudo_label = fill_holes(
                pseudo_label, self.hole_purity, self.ignore_index
            )
        return PseudoLabel(pseudo_label, records)

    def count_expansions(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
    ) -> np.ndarray:
        """Counts candidates by expansion, for `ExpansionPrior.fit`.

        Args:
            image: see `__call__`, as for the other arguments.
            label: its weak label.
            from_person: pixels labelled by a person.

        Returns:
            (2, 256, B) int64, see `core.expansion.count_expansions`.
        """
        counts = ExpansionPrior.no_counts()
        prepared = self.prepare(image, label, from_person)
        for candidates in self.decode(image, prepared):
            conflict = candidates.measures.conflict
            counts += count_expansions(
                candidates.component.class_id,
                candidates.expansion,
                conflict > self.selector.max_conflict,
            )
        return counts

    def prepare(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
        prior: ExpansionPrior | None = None,
    ) -> PreparedLabel:
        """Finds the components of a label, and makes their prompts.

        Args:
            image: see `__call__`, as for the other arguments.
            label: its weak label.
            from_person: pixels labelled by a person.
            prior: share of masks that conflict.

        Returns:
            The label, prepared for `decode`.

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
        exclusive = find_exclusive(components, self.one_component_per_object)
        return PreparedLabel(
            label,
            components,
            self.prompter(components),
            LabelledPixels.gather(
                components, exclusive, self.max_labelled_pixels
            ),
            prior or ExpansionPrior.none(),
            self.ignore_index,
        )

    def decode(
        self,
        image: np.ndarray,
        prepared: PreparedLabel,
        indices: Sequence[int] | None = None,
    ) -> Iterator[ComponentCandidates]:
        """Encodes an image, and decodes the prompts of its components.

        Args:
            image: (H, W, 3) uint8 in RGB.
            prepared: label of the image.
            indices: components to decode; all by default.

        Yields:
            Each component with its candidates, in the order of `indices`.
        """
        if indices is None:
            indices = range(len(prepared.components))
        if not indices:
            return
        embedding = self.segmenter.encode([image])[0]
        yield from decode_components(
            partial(self.segmenter.decode, embedding),
            prepared,
            indices,
            self.prompts_per_call,
        )
