"""A label with candidate masks for each component, to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.candidates import MaskCandidates
from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.components import Component, find_components
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.core.evidence import Evidence, spread_pixels
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import PointPrompt

CLASSES = 0, 3, 7
_POINT = PointPrompt(np.zeros((1, 2), np.float32))


@dataclass
class Case:
    """A label, and masks of one prompt for each of its K components.

    Attributes:
        label: (H, W) uint8.
        masks: (K, M, H, W) bool.
        scores: (K, M) float; 1 by default.
        evidence: evidence for the classes; by default none.
        prior: by default rejects no mask.
        max_pixels: see `LabelledPixels.gather`.
        from_person: see `find_components`.
    """

    label: np.ndarray
    masks: np.ndarray
    scores: np.ndarray | None = None
    evidence: Evidence | None = None
    prior: ConflictPrior = field(default_factory=ConflictPrior.none)
    max_pixels: int = 8192
    from_person: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.masks = np.asarray(self.masks, bool)
        if self.scores is None:
            self.scores = np.ones(self.masks.shape[:2])

    @property
    def components(self) -> list[Component]:
        return find_components(self.label, self.from_person)

    def measure(self, order: list[int] | None = None):
        """Returns the candidates of all components, in an order of them."""
        components = self.components
        order = list(range(len(components)) if order is None else order)
        components = [components[place] for place in order]
        prepared = PreparedLabel(
            self.label,
            components,
            [[_POINT]] * len(components),
            LabelledPixels.gather(components, self.max_pixels),
            self.evidence or Evidence.none(self.label.shape),
            self.prior,
        )
        candidates = MaskCandidates(
            self.masks[order], np.asarray(self.scores)[order]
        )
        return [
            ComponentCandidates.measure(prepared, place, candidates, place)
            for place in range(len(order))
        ]

    def own(self, index: int) -> np.ndarray:
        """Returns (H, W) bool, the pixels of a component."""
        pixels = np.zeros(self.label.shape, bool)
        pixels[self.components[index].pixels] = True
        return pixels

    def share(self, mask: np.ndarray, index: int) -> float:
        """Returns the share of a component inside an (H, W) mask."""
        own = self.own(index)
        return float(np.float32((mask & own).sum() / own.sum()))

    def with_order(self, order: list[int]) -> Case:
        """Returns the case with the M candidates in another order."""
        return replace(
            self, masks=self.masks[:, order], scores=self.scores[:, order]
        )


def row_case(
    spans: Sequence[Sequence[tuple[int, int]]],
    own: int = 20,
    other: int = 20,
    **options: Any,
) -> Case:
    """One row: `own` pixels of class 0, a gap, `other` ones of class 1.

    The masks of the first component have these spans; the second has masks
    of its own pixels alone.
    """
    label = np.full((1, own + 5 + other), 255, np.uint8)
    label[0, :own] = 0
    label[0, own + 5 :] = 1
    masks = np.zeros((2, len(spans), *label.shape), bool)
    masks[1] = label == 1
    for mask, parts in zip(masks[0], spans):
        for start, stop in parts:
            mask[0, start:stop] = True
    return Case(label, masks, **options)


def evidence_of(probabilities: np.ndarray) -> Evidence:
    """Returns evidence from (H, W, C) probabilities."""
    shape = probabilities.shape[:2]
    return Evidence.of(shape, probabilities[spread_pixels(shape)])


@st.composite
def labels(
    draw: st.DrawFn,
    elements: Sequence[int] = (*CLASSES, 255, 255),
    max_side: int = 8,
    empty: bool = False,
) -> np.ndarray:
    """Labels of single pixels or of blocks, up to three times `max_side`.

    At least one pixel is labelled unless they may be empty.
    """
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=max_side)
    values = st.sampled_from(elements)
    label = draw(hnp.arrays(np.uint8, shape, elements=values))
    assume(empty or (label != 255).any())
    return np.kron(label, np.ones([draw(st.integers(1, 3))] * 2, np.uint8))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Candidates from nearly right to nearly random, with evidence."""
    label = draw(labels())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    first = (len(find_components(label)), draw(st.integers(1, 6)))
    masks = rng.random((*first, *label.shape)) < rng.random((*first, 1, 1))
    case = Case(
        label,
        masks,
        scores=rng.random(first),
        evidence=evidence_of(rng.random((*label.shape, 8)) ** 2),
    )
    likeness = rng.random((*first, 1, 1))
    case.masks &= rng.random(masks.shape) > likeness
    own = np.array([case.own(index) for index in range(first[0])])
    case.masks |= own[:, None] & (rng.random(masks.shape) < likeness)
    seen = rng.integers(0, 100, ConflictPrior.no_counts().shape)
    seen[1] = np.minimum(seen[0], seen[1])
    case.prior = ConflictPrior.fit(seen)
    return case
