"""Image and weak label -> pseudo-label."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam import validators
from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.compose import ClassMask, compose
from mmseg_sesam.core.conflict_prior import ConflictPrior, count_masks
from mmseg_sesam.core.decoding import (
    PROMPTS_PER_CALL,
    Decode,
    draw_unions,
    measure_components,
)
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.fill_holes import fill_holes
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.core.selection import (
    CoverageMaskSelector,
    Selection,
    measure_conflicts,
)
from mmseg_sesam.core.tiles import prompt_in_tiles
from mmseg_sesam.io.json_values import json_values
from mmseg_sesam.pseudo_labels.records import ComponentRecord
from mmseg_sesam.segmenters.base import json_fingerprint
from mmseg_sesam.validators import CONFIG, SHARE, Rule, count, option

# core/ imports no framework, so its configurable parts are registered here.
TASK_UTILS.register_module(module=SkeletonPrompter)
TASK_UTILS.register_module(module=CoverageMaskSelector)


def _tells_options(value: Any) -> bool:
    """Returns whether the fields of a dataclass hold all of its options.

    They are its part of the fingerprint; a derived class with an `__init__`
    of its own has others.
    """
    own = vars(type(value))
    return is_dataclass(value) and (
        '__init__' not in own or '__dataclass_fields__' in own
    )


def _part_fingerprint(part: Any) -> dict[str, Any]:
    """Returns class and options of a prompter or selector."""
    name = type(part).__name__
    return dict(json_values(name, asdict(part)), type=name)


_PROMPTER = Rule(
    lambda value: _tells_options(value) and callable(value),
    'an object of a dataclass with __call__',
)
_SELECTOR = Rule(
    lambda value: _PROMPTER.allows(value) and hasattr(value, 'max_conflict'),
    'an object of a dataclass with __call__ and a field max_conflict',
)


class PseudoLabel(NamedTuple):
    """A pseudo-label and how it came about.

    Attributes:
        label: (H, W) uint8 class ids, 255 where unlabelled.
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
        prompter: config of the prompter, a dataclass that returns prompts
            as `SkeletonPrompter`, the default, does.
        selector: config of the mask selector, a dataclass with a field
            `max_conflict` that returns selections as `CoverageMaskSelector`,
            the default, does.
        min_area: smallest component of predictions alone that gets prompts
            and a record, in pixels; smaller ones keep their pixels in the
            pseudo-label. Raise it where refreshes take long. Against wrong
            predictions, raise `enrich_threshold` of the hook.
        max_labelled_pixels: labelled pixels on which candidates are
            measured, see `LabelledPixels.gather`. Raise it for coarse labels
            on large images if time allows.
        hole_purity: least share of one class around a hole that it is
            filled with, where evidence speaks for that class, see
            `fill_holes`; holes of at most 32 x 32 pixels between the pixels
            with evidence are filled without any. Without an appearance, as
            for a single image, none is filled in round 0. 0 leaves holes
            unlabelled. Set it to 0 where many objects have no label.
        prompts_per_call: most prompts decoded at once. Lower it if the
            candidates of large images fill the memory.

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
    min_area: int = option(64, count())
    max_labelled_pixels: int = option(8192, count(1))
    hole_purity: float = option(0.6, SHARE)
    prompts_per_call: int = option(PROMPTS_PER_CALL, count(1))

    def __post_init__(self) -> None:
        validators.check_fields(self)
        self.segmenter = TASK_UTILS.build(self.segmenter)
        self.prompter = TASK_UTILS.build(
            self.prompter or dict(type='SkeletonPrompter')
        )
        self.selector = TASK_UTILS.build(
            self.selector or dict(type='CoverageMaskSelector')
        )
        validators.check_options(self, prompter=_PROMPTER, selector=_SELECTOR)
        # Not when a round begins, after all weak labels were read.
        for part in (self.prompter, self.selector):
            _part_fingerprint(part)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """All that its pseudo-labels depend on, as JSON values.

        Raises:
            ValueError: the segmenter's fingerprint holds values that JSON
                cannot hold.
        """
        options = {f.name: getattr(self, f.name) for f in fields(self)}
        # A derived class may make other pseudo-labels.
        options['type'] = type(self).__name__
        # It changes the memory needed, not the labels.
        del options['prompts_per_call']
        options['segmenter'] = json_fingerprint(self.segmenter)
        for name in ('prompter', 'selector'):
            options[name] = _part_fingerprint(getattr(self, name))
        return options

    def __call__(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
        evidence: Evidence | None = None,
        prior: ConflictPrior | None = None,
    ) -> PseudoLabel:
        """Makes the pseudo-label of one image.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 weak label, in later rounds enriched with
                confident predictions.
            from_person: (H, W) bool, true on pixels labelled by a person; by
                default all labelled pixels.
            evidence: evidence for the classes; by default none.
            prior: share of masks that conflict, by class, expansion and
                score; by default no mask is rejected for them.

        Raises:
            ValueError: image and label differ in size.
        """
        # Components and their prompts: steps 1 and 2 of docs/method.md.
        prepared = self.prepare(image, label, from_person, evidence, prior)
        return self.make(image, prepared)

    def make(self, image: np.ndarray, prepared: PreparedLabel) -> PseudoLabel:
        """Makes the pseudo-label of an image whose label is prepared."""
        # Candidates, step 3, and the selection among them, step 4.
        decode = self.decoder(image, prepared)
        components = self.measure(decode, prepared)
        selections = self.selector(components)
        # Composition, step 5.
        return self.finish(decode, prepared, components, selections)

    def finish(
        self,
        decode: Decode,
        prepared: PreparedLabel,
        components: list[ComponentCandidates],
        selections: list[Selection],
    ) -> PseudoLabel:
        """Draws the masks chosen, and composes the pseudo-label."""
        chosen = {
            place: selection.chosen
            for place, selection in enumerate(selections)
            if selection.chosen
        }
        unions = draw_unions(decode, components, chosen, self.prompts_per_call)
        # A mask may be empty although values looked up in it are not.
        drawn = {
            place: ClassMask.of(crop, prepared.components[place].class_id)
            for place, crop in unions
            if crop.mask.size
        }
        pseudo_label = compose(prepared.label, list(drawn.values()))
        if self.hole_purity:
            pseudo_label = fill_holes(
                pseudo_label, self.hole_purity, prepared.evidence
            )
        records = [
            ComponentRecord.of(*made, drawn.get(place))
            for place, made in enumerate(zip(components, selections))
        ]
        return PseudoLabel(pseudo_label, records)

    def count_masks(
        self, image: np.ndarray, prepared: PreparedLabel
    ) -> np.ndarray:
        """Counts candidates and conflicts, for `ConflictPrior.fit`.

        Args:
            image: (H, W, 3) uint8 in RGB.
            prepared: label of the image.

        Returns:
            (2, 256, B, S) int64, see `core.conflict_prior.count_masks`.
        """
        components = self.measure(self.decoder(image, prepared), prepared)
        if not components:
            return ConflictPrior.no_counts()
        classes = [one.component.class_id for one in components]
        numbers = [len(one.scores) for one in components]
        conflicts = np.concatenate(measure_conflicts(components))
        return count_masks(
            np.repeat(classes, numbers),
            np.concatenate([one.expansion for one in components]),
            np.concatenate([one.scores for one in components]),
            conflicts > self.selector.max_conflict,
        )

    def prepare(
        self,
        image: np.ndarray,
        label: np.ndarray,
        from_person: np.ndarray | None = None,
        evidence: Evidence | None = None,
        prior: ConflictPrior | None = None,
    ) -> PreparedLabel:
        """Finds the components of a label, and makes their prompts.

        Args:
            image: see `__call__`, as for the other arguments.
            label: its weak label.
            from_person: pixels labelled by a person.
            evidence: evidence for the classes.
            prior: share of masks that conflict.

        Raises:
            ValueError: image and label differ in size.
        """
        if image.shape[:2] != label.shape:
            raise ValueError(
                f'The image is {image.shape[:2]} and its label {label.shape} '
                '(height, width) pixels, expected one size; give the label '
                'of this image.'
            )
        components = find_components(
            label, from_person, min_area=self.min_area
        )
        return PreparedLabel(
            label,
            components,
            prompt_in_tiles(
                self.segmenter.tiles(label.shape),
                components,
                self.prompter(components),
            ),
            LabelledPixels.gather(components, self.max_labelled_pixels),
            evidence or Evidence.none(label.shape),
            prior or ConflictPrior.none(),
        )

    def decoder(self, image: np.ndarray, prepared: PreparedLabel) -> Decode:
        """Encodes an image, if its label has components.

        Args:
            image: (H, W, 3) uint8 in RGB.
            prepared: label of the image.

        Returns:
            A function from prompts on the image to their candidates.
        """
        embedding = None
        if prepared.components:
            embedding = self.segmenter.encode([image])[0]
        return partial(self.segmenter.decode, embedding)

    def measure(
        self, decode: Decode, prepared: PreparedLabel
    ) -> list[ComponentCandidates]:
        """Decodes and measures the candidates of all components."""
        return measure_components(decode, prepared, self.prompts_per_call)
