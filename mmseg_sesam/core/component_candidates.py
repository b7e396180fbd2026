"""The candidates of a component, measured on the labels of the image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmseg_sesam.core.candidates import Candidates
from mmseg_sesam.core.components import Component
from mmseg_sesam.core.expansion import measure_expansion
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.tiles import Box

# A candidate may give the extent of its component if at most this share of
# what it holds is foreign, and if its coverage is at least this share of the
# greatest one (our choice).
_FOREIGN, _NEAR_BEST = 1 / 3, 0.8
# Exponent of the odds of evidence. They are a mean over pixels: a sum would
# treat the pixels of a mask as independent (our choice).
_EVIDENCE_WEIGHT = 2.0
# Bounds of the prior's share: no mask is certain to be right or wrong.
# Reliability without evidence is at most 1 minus the lower one (our choice).
_LEAST_SHARE, _GREATEST_SHARE = 0.02, 0.98
# Components of an image from which on those near a mask are looked up alone;
# of fewer, finding them takes longer than looking up all (our choice).
_MANY = 256


@dataclass(frozen=True, eq=False)
class ComponentCandidates:
    """The candidates of a component, by their values at a few pixels.

    The candidates of all prompts of the component are numbered from 0 to
    M - 1, prompt after prompt.

    Attributes:
        prepared: label of the image.
        index: place of the component in `prepared.components`.
        scores: (M,) predicted IoU.
        areas: (M,) estimated pixels.
        coverage: (M,) share of the component's pixels inside a mask.
        masks: (S,) rows of the values above 0 in an (M, K) table: the share
            of each component of the image inside each candidate. Most are 0,
            and an image may have thousands of components.
        held: (S,) columns of these values.
        shares: (S,) these values.
        bits: (M, G / 8) uint8, `inside` with eight values in a byte: an
            image may have hundreds of components with hundreds of candidates.
    """

    prepared: PreparedLabel
    index: int
    scores: np.ndarray
    areas: np.ndarray
    coverage: np.ndarray
    masks: np.ndarray
    held: np.ndarray
    shares: np.ndarray
    bits: np.ndarray

    @classmethod
    def measure(
        cls,
        prepared: PreparedLabel,
        index: int,
        candidates: Candidates,
        first: int = 0,
    ) -> ComponentCandidates:
        """Measures the candidates of a component.

        Args:
            prepared: label of the image.
            index: place of the component.
            candidates: candidates of its prompts, and of others.
            first: place of its first prompt in `candidates`.
        """
        rows = slice(first, first + len(prepared.prompts[index]))
        near, pixels = np.arange(len(prepared.components)), prepared.pixels
        if len(near) > _MANY and (window := candidates.window(rows)):
            touched = _touching(prepared.boxes, window)
            # Its coverage is measured, too, where no mask touches it.
            touched[index] = True
            near = np.flatnonzero(touched)
            pixels = pixels.select(near)
        evidence = prepared.evidence
        inside = candidates.contains(
            np.concatenate([pixels.rows, evidence.rows]),
            np.concatenate([pixels.cols, evidence.cols]),
            rows,
        )
        inside = inside.reshape(-1, inside.shape[-1])
        shares = pixels.shares(inside[:, : len(pixels.rows)])
        masks, held = np.nonzero(shares)
        return cls(
            prepared,
            index,
            candidates.scores[rows].ravel(),
            candidates.areas[rows].ravel(),
            # A view would keep the shares of all components.
            shares[:, np.searchsorted(near, index)].copy(),
            masks.astype(np.int32),
            near[held].astype(np.int32),
            shares[masks, held],
            np.packbits(inside[:, len(pixels.rows) :], axis=1),
        )

    @property
    def component(self) -> Component:
        """The component."""
        return self.prepared.components[self.index]

    @property
    def prompts(self) -> list[PointPrompt]:
        """Prompts of the component, the one with all points first."""
        return self.prepared.prompts[self.index]

    @property
    def inside(self) -> np.ndarray:
        """(M, G) bool, whether a pixel with evidence is inside a mask."""
        number = len(self.prepared.evidence.rows)
        return np.unpackbits(self.bits, axis=1, count=number).view(bool)

    @cached_property
    def expansion(self) -> np.ndarray:
        """(M,) expansion of each candidate, see `measure_expansion`."""
        held = self.coverage * self.component.area
        return measure_expansion(self.areas, held)

    @cached_property
    def log_odds(self) -> np.ndarray:
        """(M,) evidence for the component's class inside each mask."""
        return self._measure_evidence(self.inside)

    @cached_property
    def reliability(self) -> np.ndarray:
        """(M,) float in (0, 1), how likely a mask is of the class throughout.

        The odds that a mask of this class, expansion and score does not
        conflict with weak labels, times the square of those of the evidence.
        Without evidence it is 0.98 at most.
        """
        return self._weigh(slice(None), self.log_odds)

    def reliability_of_parts(
        self, numbers: np.ndarray, inside: np.ndarray
    ) -> np.ndarray:
        """Returns (m,) float reliability of parts of some candidates.

        A part has the class, expansion and score of its mask, and the
        evidence of its own pixels.

        Args:
            numbers: (m,) candidates.
            inside: (m, G) bool, whether a pixel with evidence is in a part.
        """
        return self._weigh(numbers, self._measure_evidence(inside))

    def _measure_evidence(self, inside: np.ndarray) -> np.ndarray:
        odds = self.prepared.evidence.log_odds(
            inside, self.component.class_id, self.prepared.present
        )
        return odds - self.prepared.bias(self.index)

    def _weigh(
        self, numbers: slice | np.ndarray, log_odds: np.ndarray
    ) -> np.ndarray:
        class_id, prior = self.component.class_id, self.prepared.prior
        share = prior(class_id, self.expansion[numbers], self.scores[numbers])
        share = share.clip(_LEAST_SHARE, _GREATEST_SHARE)
        odds = np.log(1 / share - 1) + _EVIDENCE_WEIGHT * log_odds
        return 1 / (1 + np.exp(-odds))

    @property
    def extent(self) -> float:
        """Pixels of the object that the component marks.

        Candidates that hold few foreign components and have nearly the
        greatest coverage are compared by score times evidence. The extent is
        the area of the best one; infinite if there is none. Where outlines
        are off by some pixels, no candidate may cover a click on a thin
        object: then all that hold few foreign components are compared.
        """
        foreign = self.prepared.classes != self.component.class_id
        total = self._sum_shares(np.ones(len(foreign)))
        held = self._sum_shares(foreign)
        own = (self.areas > 0) & (held <= _FOREIGN * total)
        if (self.coverage > 0).any():
            own &= self.coverage > 0
        if not own.any():
            return np.inf
        near = own & (self.coverage >= _NEAR_BEST * self.coverage[own].max())
        scores = np.nan_to_num(self.scores)
        worth = scores / (1 + np.exp(-_EVIDENCE_WEIGHT * self.log_odds))
        return float(self.areas[np.where(near, worth, -1).argmax()])

    def conflict(self, extents: np.ndarray) -> np.ndarray:
        """Returns (M,) share of a mask that objects of other classes take.

        A pole before a building lies inside the right mask of the building:
        a foreign component counts by its extent, so that a small object in a
        large mask is hardly a conflict, and a mask that leaks into a large
        one is.

        Args:
            extents: (K,) pixels, `extent` of each component of the image.
        """
        foreign = self.prepared.classes != self.component.class_id
        taken = self._sum_shares(np.where(foreign, extents, 0))
        return np.minimum(taken / np.maximum(self.areas, 1), 1)

    def _sum_shares(self, weights: np.ndarray) -> np.ndarray:
        """Returns (M,) sums of shares times (K,) weights of components."""
        return np.bincount(
            self.masks,
            self.shares * weights[self.held],
            minlength=len(self.scores),
        )

    def split(self, number: int) -> tuple[int, int]:
        """Returns prompt of the component and index for a candidate."""
        return divmod(number, len(self.scores) // len(self.prompts))


def _touching(boxes: np.ndarray, window: Box) -> np.ndarray:
    """Returns (K,) bool, whether (K, 4) boxes share pixels with a window."""
    first, last = boxes[:, :2], boxes[:, 2:]
    return ((first < window[2:]) & (last > window[:2])).all(axis=1)
