"""Explains a pseudo-label: candidates and verdicts of its components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.selection import Selection
from mmseg_sesam.pseudo_labels.generator import (
    PseudoLabel,
    PseudoLabelGenerator,
)
from mmseg_sesam.pseudo_labels.records import ComponentRecord


class Explanation(NamedTuple):
    """A component with its record, candidates, and selection among them."""

    record: ComponentRecord
    candidates: ComponentCandidates
    selection: Selection

    @property
    def order(self) -> list[int]:
        """Numbers of the candidates, those chosen first, then by coverage."""
        chosen = [*self.selection.chosen]
        coverage = self.candidates.measures.coverage
        rest = [i for i in range(len(coverage)) if i not in chosen]
        return chosen + sorted(rest, key=lambda i: -coverage[i])

    def measures_of(self, number: int) -> tuple[float, float, float]:
        """Returns coverage, conflict and rejected share of a candidate."""
        return tuple(float(m[number]) for m in self.candidates.measures)


def explain(
    generator: PseudoLabelGenerator,
    image: np.ndarray,
    weak: np.ndarray,
    number: int | None = None,
) -> tuple[PseudoLabel, list[Explanation]]:
    """Makes the pseudo-label of an image, and explains its components.

    It is the pseudo-label of the first round without an `ExpansionPrior`,
    which is learned from a whole data set.

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
    made = generator(image, weak)
    indices = largest_first(made.records)[:number]
    prepared = generator.prepare(image, weak)
    decoded = generator.decode(image, prepared, indices)
    explanations = [
        Explanation(
            made.records[candidates.index],
            candidates,
            generator.selector(candidates),
        )
        for candidates in tqdm(
            decoded, desc='explaining', total=len(indices), delay=2
        )
    ]
    return made, explanations


def largest_first(records: Sequence[ComponentRecord]) -> list[int]:
    """Returns the indices of records by labelled pixels, most first."""
    return sorted(range(len(records)), key=lambda i: -records[i].area)
