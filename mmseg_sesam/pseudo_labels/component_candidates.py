"""What a segmenter answers for the components of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mmseg_sesam.core.components import Component
from mmseg_sesam.core.expansion import measure_expansion
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.base import BaseSegmenter, Candidates


class Answer(NamedTuple):
    """The candidates of one component.

    Attributes:
        owner: index of the component.
        component: itself.
        prompts: made for it, p of them.
        candidates: of its prompts, and of others'.
        first: the first of its prompts among those of the candidates.
    """

    owner: int
    component: Component
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

    def hits(self, evidence: LabelledPixels) -> np.ndarray:
        """(M, N) bool, which of the evidence each candidate holds."""
        hits = self.candidates.contains(
            evidence.rows, evidence.cols, self.rows
        )
        # Not by -1: there may be no candidate.
        return hits.reshape(hits.shape[0] * hits.shape[1], hits.shape[2])

    def growth(self, hits: np.ndarray, evidence: LabelledPixels) -> np.ndarray:
        """(M,) growth of each candidate, see `measure_expansion`."""
        held = evidence.coverage(hits, self.owner) * self.component.area
        return measure_expansion(
            self.candidates.areas[self.rows].ravel(), held
        )

    def union(self, chosen: Sequence[int]) -> np.ndarray:
        """The (H, W) bool mask that candidates make together."""
        masks = [
            self.candidates.mask(self.first + prompt, index)
            for prompt, index in map(self.split, chosen)
        ]
        return masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)


def ask(
    segmenter: BaseSegmenter,
    embedding: Any,
    components: Sequence[Component],
    prompts: Sequence[list[PointPrompt]],
    owners: Sequence[int],
    prompts_per_call: int,
) -> Iterator[Answer]:
    """Asks a segmenter for components, some at a time.

    Args:
        segmenter: is asked.
        embedding: of the image.
        components: of the image.
        prompts: of each component.
        owners: indices of the components to ask for.
        prompts_per_call: bounds the memory that candidates take.

    Yields:
        The answer for each owner, in their order.
    """
    for group in _chunks(owners, prompts, prompts_per_call):
        asked = [prompt for owner in group for prompt in prompts[owner]]
        candidates = segmenter.decode(embedding, asked)
        first = 0
        for owner in group:
            yield Answer(
                owner, components[owner], prompts[owner], candidates, first
            )
            first += len(prompts[owner])


def _chunks(
    owners: Sequence[int], prompts: Sequence[list[PointPrompt]], size: int
) -> Iterator[list[int]]:
    """Groups components so that each group has about `size` prompts."""
    group: list[int] = []
    count = 0
    for owner in owners:
        if group and count + len(prompts[owner]) > size:
            yield group
            group, count = [], 0
        group.append(owner)
        count += len(prompts[owner])
    if group:
        yield group
