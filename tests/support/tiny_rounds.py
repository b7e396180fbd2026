"""Rounds of a tiny data set, made without a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.config import ConfigDict

from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.rounds.make_round import RoundMaker
from mmseg_sesam.rounds.provenance import fingerprint
from mmseg_sesam.rounds.summary import RoundSummary
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.segmenters import SuperpixelSegmenter
from mmseg_sesam.store.store import PseudoLabelStore


class CountingSegmenter(SuperpixelSegmenter):
    """Counts the images that it encodes, and fails after some of them."""

    def __init__(self, most: float = math.inf) -> None:
        super().__init__()
        self.encoded, self._most = 0, most

    def encode(self, images: Sequence[np.ndarray]) -> list:
        if self.encoded >= self._most:
            raise OSError('the power went off')
        self.encoded += len(images)
        return super().encode(images)


class Rounds:
    """Makes rounds of the images of a data set, with superpixels.

    Another segmenter may take their place: the settings stay.
    """

    def __init__(self, dataset: ConfigDict) -> None:
        self.images = TrainingImages(dataset, 0)
        self.generator = PseudoLabelGenerator(dict(type='SuperpixelSegmenter'))
        self.settings = fingerprint(self.generator, self.images)

    def make(
        self, store: PseudoLabelStore, index: int = 0, **options: Any
    ) -> RoundSummary:
        """Makes a round; keywords are options of `RoundMaker`."""
        return RoundMaker(
            *(index, self.generator, self.images, store, self.settings),
            **options,
        ).make()
