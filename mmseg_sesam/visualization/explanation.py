"""Explains a pseudo-label: candidates and verdicts of its components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.selection import Selection
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.pseudo_labels.generator import (
    PseudoLabel,
    PseudoLabelGenerator,
)
from mmseg_sesam.pseudo_labels.records import ComponentRecord


class Explanation(NamedTuple):
    """A component with its record, measured candidates, and selection.

    `decoded` has the candidates of the component's prompts, to be drawn.
    """

    record: ComponentRecord
    candidates: ComponentCandidates
    selection: Selection
    decoded: Candidates

    @property
    def order(self) -> list[int]:
        """Numbers of the candidates, those chosen first, then by coverage."""
        chosen = [*self.selection.chosen]
        coverage = self.candidates.coverage
        rest = [i for i in range(len(coverage)) if i not in chosen]
        return chosen + sorted(rest, key=lambda i: -coverage[i])

    def measures_of(self, number: int) -> tuple[float, float, float]:
        """Returns coverage, conflict and reliability of a candidate."""
        return (
            float(self.candidates.coverage[number]),
            float(self.selection.conflict[number]),
            float(self.candidates.reliability[number]),
        )

    def draw(self, numbers: Sequence[int]) -> np.ndarray:
        """Returns the union of candidates, (H, W) bool; of none, empty."""
        union = np.zeros(self.candidates.prepared.label.shape, bool)
        for number in numbers:
            union |= self.decoded.mask(*self.candidates.split(number))
        return union


def explain(
    generator: PseudoLabelGenerator,
    image: np.ndarray,
    weak: np.ndarray,
    number: int | None = None,
) -> tuple[PseudoLabel, list[Explanation]]:
    """Makes the pseudo-label of an image, and explains its components.

    It is the pseudo-label of the first round without the appearance of
    classes and the `ConflictPrior`, which are learned from a whole data set:
    all candidates have the reliability 0.98, the greatest without evidence.

    Args:
        generator: generator of the pseudo-label.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 class ids, 255 where unlabelled.
        number: components to explain, all by default. Their prompts are
            decoded a second time.

    Returns:
        The pseudo-label, and the explanations, largest component first.

    Raises:
        ValueError: image and label differ in size.
    """
    prepared = generator.prepare(image, weak)
    decode = generator.decoder(image, prepared)
    components = generator.measure(decode, prepared)
    selections = generator.selector(components)
    made = generator.finish(decode, prepared, components, selections)
    indices = largest_first(made.records)[:number]
    explanations = [
        Explanation(
            made.records[index],
            components[index],
            selections[index],
            decode(prepared.prompts[index]),
        )
        for index in Progress(indices, desc='explaining', delay=2)
    ]
    return made, explanations


def largest_first(records: Sequence[ComponentRecord]) -> list[int]:
    """Returns the indices of records by labelled pixels, most first."""
    return sorted(range(len(records)), key=lambda i: -records[i].area)
