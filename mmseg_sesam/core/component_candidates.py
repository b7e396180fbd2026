"""A component on its way from the weak label to its mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, NamedTuple

import numpy as np

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.components import Component
from mmseg_sesam.core.expansion import ExpansionPrior, measure_expansion
from mmseg_sesam.core.labelled_pixels import LabelledPixels, measure_mask
from mmseg_sesam.core.prompts import PointPrompt


class PreparedLabel(NamedTuple):
    """A label with all that selecting masks for it needs.

    Attributes:
        label: (H, W) uint8 class ids.
        components: components of the label, K of them.
        prompts: for each component its prompts.
        pixels: labelled pixels on which candidates are measured.
        prior: share of masks that conflict, by class and expansion.
        ignore_index: value of unlabelled pixels.
    """

    label: np.ndarray
    components: list[Component]
    prompts: list[list[PointPrompt]]
    pixels: LabelledPixels
    prior: ExpansionPrior
    ignore_index: int = 255


class Measures(NamedTuple):
    """Measures of one mask, or arrays with those of several.

    Attributes:
        coverage: share of the component's pixels inside the mask.
        conflict: share of pixels of exclusive components among the labelled
            pixels inside the mask.
        rejected_share: share of masks of this class and expansion that
            conflict with weak labels, see `ExpansionPrior`.
    """

    coverage: Any
    conflict: Any
    rejected_share: Any


@dataclass(frozen=True, eq=False)
class ComponentCandidates:
    """A component with its prompts, candidates and labelled pixels.

    The candidates of all prompts of the component are numbered from 0 to
    M - 1, prompt after prompt.

    Attributes:
        prepared: label of the image.
        index: place of the component in `prepared.components`.
        candidates: candidates of this component's prompts and of others.
        first: place of the component's first prompt in `candidates`.
    """

    prepared: PreparedLabel
    index: int
    candidates: Candidates
    first: int = 0

    @property
    def component(self) -> Component:
        """The component."""
        return self.prepared.components[self.index]

    @property
    def prompts(self) -> list[PointPrompt]:
        """Prompts of the component, the one with all points first."""
        return self.prepared.prompts[self.index]

    @cached_property
    def scores(self) -> np.ndarray:
        """(M,) predicted IoU."""
        return self.candidates.scores[self._rows].ravel()

    @cached_property
    def stability(self) -> np.ndarray:
        """(M,) stability."""
        return self.candidates.stability[self._rows].ravel()

    @cached_property
    def areas(self) -> np.ndarray:
        """(M,) estimated pixels."""
        return self.candidates.areas[self._rows].ravel()

    @cached_property
    def inside(self) -> np.ndarray:
        """(M, N) bool, True where a labelled pixel is inside a mask."""
        pixels = self.prepared.pixels
        inside = self.candidates.contains(pixels.rows, pixels.cols, self._rows)
        return inside.reshape(len(self.scores), len(pixels.rows))

    @cached_property
    def measures(self) -> Measures:
        """(M,) measures of each candidate on the labelled pixels."""
        coverage, conflict = self.measure_inside(self.inside)
        expansion = self._expansion(self.areas, coverage)
        share = self.prepared.prior(self.component.class_id, expansion)
        return Measures(coverage, conflict, share)

    @property
    def expansion(self) -> np.ndarray:
        """(M,) expansion of each candidate, see `measure_expansion`."""
        return self._expansion(self.areas, self.measures.coverage)

    def measure_inside(
        self, inside: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns (M,) coverage and conflict of (M, N) masks at the pixels."""
        return self.prepared.pixels.measure(inside, self.index)

    def measure(self, mask: np.ndarray) -> Measures:
        """Measures a (H, W) bool mask on every labelled pixel of the image."""
        prepared, component = self.prepared, self.component
        row = prepared.pixels.exclusive[self.index]
        exclusive = [
            other
            for other, excludes in zip(prepared.components, row)
            if excludes and other.class_id == component.class_id
        ]
        coverage, conflict = measure_mask(
            mask, component, prepared.label, prepared.ignore_index, exclusive
        )
        expansion = self._expansion(np.count_nonzero(mask), coverage)
        share = prepared.prior(component.class_id, expansion)
        return Measures(coverage, conflict, float(share))

    def union(self, chosen: Sequence[int]) -> np.ndarray:
        """Returns the union of candidates, (H, W) bool."""
        masks = [
            self.candidates.mask(self.first + prompt, index)
            for prompt, index in map(self.split, chosen)
        ]
        return masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)

    def split(self, number: int) -> tuple[int, int]:
        """Returns prompt of the component and index for a candidate."""
        return divmod(number, self.candidates.scores.shape[1])

    @property
    def _rows(self) -> slice:
        return slice(self.first, self.first + len(self.prompts))

    def _expansion(
        self, areas: np.ndarray | int, coverage: np.ndarray | float
    ) -> np.ndarray:
        return measure_expansion(areas, coverage * self.component.area)


def decode_components(
    decode: Callable[[list[PointPrompt]], Candidates],
    prepared: PreparedLabel,
    indices: Sequence[int],
    prompts_per_call: int = 256,
) -> Iterator[ComponentCandidates]:
    """Decodes the prompts of components, several components at a time.

    Args:
        decode: returns the candidates of prompts on the image.
        prepared: label of the image.
        indices: the components to decode.
        prompts_per_call: most prompts decoded at once, unless a component
            has more; bounds the memory that candidates take.

    Yields:
        Each component with its candidates, in the order of `indices`.
    """
    for group in _groups(prepared, indices, prompts_per_call):
        prompts = [p for index in group for p in prepared.prompts[index]]
        candidates, first = decode(prompts), 0
        for index in group:
            yield ComponentCandidates(prepared, index, candidates, first)
            first += len(prepared.prompts[index])


def _groups(
    prepared: PreparedLabel, indices: Sequence[int], size: int
) -> Iterator[list[int]]:
    """Yields groups of components with at most `size` prompts, or one."""
    group: list[int] = []
    total = 0
    for index in indices:
        number = len(prepared.prompts[index])
        if group and total + number > size:
            yield group
            group, total = [], 0
        group.append(index)
        total += number
    if group:
        yield group
