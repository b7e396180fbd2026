"""A label prepared for selection: components, prompts and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmseg_sesam.core.components import Component
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prompts import PointPrompt


@dataclass(frozen=True, eq=False)
class PreparedLabel:
    """A label with all that selecting masks for it needs.

    Attributes:
        label: (H, W) uint8 class ids.
        components: components of the label, K of them.
        prompts: for each component its prompts.
        pixels: labelled pixels on which candidates are measured.
        evidence: evidence for the classes.
        prior: share of masks that conflict, by class, expansion and score.
    """

    label: np.ndarray
    components: list[Component]
    prompts: list[list[PointPrompt]]
    pixels: LabelledPixels
    evidence: Evidence
    prior: ConflictPrior

    @cached_property
    def classes(self) -> np.ndarray:
        """(K,) class of each component."""
        return np.array([c.class_id for c in self.components], int)

    @cached_property
    def boxes(self) -> np.ndarray:
        """(K, 4) `Component.bbox` of each component."""
        return np.array([c.bbox for c in self.components], int)

    @cached_property
    def present(self) -> np.ndarray:
        """The classes that have a component, in ascending order."""
        return np.unique(self.classes)

    @cached_property
    def favoured(self) -> dict[int, bool]:
        """By class, whether evidence speaks for it anywhere in the image."""
        return {
            int(class_id): self.evidence.favours(class_id, self.present)
            for class_id in self.present
        }

    def bias(self, index: int) -> float:
        """Returns the log-odds that evidence wrongly gives a component.

        A teacher that has not learned a class calls its objects something
        else. Where evidence speaks for the class nowhere in the image, a
        person's pixels show how far it is wrong (our choice). It is 0 where
        evidence knows the class: there the weak label may be wrong.

        Args:
            index: place of the component.
        """
        component = self.components[index]
        if not component.from_person or self.favoured[component.class_id]:
            return 0.0
        pixels = slice(*self.pixels.starts[index : index + 2])
        near = self.evidence.near(
            self.pixels.rows[pixels], self.pixels.cols[pixels]
        )
        odds = self.evidence.log_odds(
            near[None], component.class_id, self.present
        )
        return min(float(odds[0]), 0.0)
