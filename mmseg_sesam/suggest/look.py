"""Looks at a training image: its labels, and what is predicted of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmseg_sesam.core.bands import count_values
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.store.store import LABELS
from mmseg_sesam.structures import DENSE, UNLABELLED
from mmseg_sesam.suggest.predictor import RunPrediction, RunPredictor
from mmseg_sesam.suggest.regions import doubtful_regions, fallback_regions
from mmseg_sesam.suggest.score import ImageLook

# Share of the pixels from which on a class counts as shown; predictions of
# fewer pixels are often noise (our choice).
_SHOWN = 0.005


@dataclass
class Looker:
    """Looks at single images.

    Args:
        images: of the run.
        predictor: of its checkpoint.
        round_index: of the current pseudo-labels, None without any.
    """

    images: RunImages
    predictor: RunPredictor
    round_index: int | None

    def look(self, index: int) -> ImageLook:
        """Returns what is known about an image."""
        packed = self.images.dataset[index]
        weak = self.weak_label(packed)
        counts = count_values(weak)[: len(self.images.classes)]
        labelled = counts > 0
        kind = packed['data_samples'].get('label_kind')
        predicted = self.predictor(packed)
        if kind == DENSE or (weak != UNLABELLED).all():
            return ImageLook(
                predicted.features, labelled, labelled, complete=True
            )
        maps = self.maps(index, predicted)
        free = weak == UNLABELLED
        differ = np.where(free, _differ(list(maps.values())), False)
        entropy = np.where(free, predicted.entropy, 0.0)
        components = self._components(index)
        lost = [record for record in components if not record['chosen']]
        regions = fallback_regions(lost, self.images.classes)
        regions += doubtful_regions(
            np.maximum(differ, entropy), maps, self.images.classes
        )
        shares = count_values(maps['student']) / weak.size
        return ImageLook(
            predicted.features,
            labelled,
            shares[: len(labelled)] >= _SHOWN,
            float(differ.mean()),
            float(entropy.mean()),
            len(components),
            len(lost),
            regions=regions,
        )

    @property
    def givers(self) -> list[str]:
        """Who gives the labels that are compared, see `maps`."""
        names = list(self.predictor.models)
        return names if self.round_index is None else [*names, 'pseudo-label']

    def maps(
        self, index: int, predicted: RunPrediction
    ) -> dict[str, np.ndarray]:
        """Returns (H, W) uint8 class ids by the name of who gives them."""
        maps = dict(predicted.labels)
        if self.round_index is not None:
            maps['pseudo-label'] = self._pseudo_label(index)
        return maps

    def current_label(self, index: int) -> np.ndarray:
        """Returns the (H, W) uint8 label from which the run trains."""
        if self.round_index is not None:
            return self._pseudo_label(index)
        return self.weak_label(self.images.dataset[index])

    def weak_label(self, packed: dict[str, Any]) -> np.ndarray:
        """Returns the (H, W) uint8 label that a person gave."""
        label = packed['data_samples'].gt_sem_seg.data[0]
        return label.numpy().astype(np.uint8)

    def _pseudo_label(self, index: int) -> np.ndarray:
        store, key = self.images.run.store, self.images.keys[index]
        return store.read(key, self.round_index, LABELS)

    def _components(self, index: int) -> list[dict[str, Any]]:
        """Returns the records of the components that a person labelled."""
        if self.round_index is None:
            return []
        store, key = self.images.run.store, self.images.keys[index]
        record = store.record(key, self.round_index) or {}
        found = record.get('components', [])
        return [component for component in found if component['from_person']]


def _differ(maps: list[np.ndarray]) -> np.ndarray:
    """Returns (H, W) bool, where two maps give different classes."""
    differ = np.zeros(maps[0].shape, bool)
    for place, one in enumerate(maps):
        for other in maps[:place]:
            both = (one != UNLABELLED) & (other != UNLABELLED)
            differ |= both & (one != other)
    return differ
