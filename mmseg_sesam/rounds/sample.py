"""An image of the training set on its way to a pseudo-label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.refinement import enrich
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.rounds.teacher import TeacherOpinion


class Sample(NamedTuple):
    """An image, and what is known of its labels.

    Attributes:
        path: of the image.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 weak label.
        drawn: (H, W) bool, where the weak label labels.
        label: (H, W) uint8, the weak label, enriched with the teacher's
            confident predictions if it was asked.
        opinion: of the teacher, if it has to be stored: probabilities are
            large, and several images are on their way at once.
    """

    path: str
    image: np.ndarray
    weak: np.ndarray
    drawn: np.ndarray
    label: np.ndarray
    opinion: TeacherOpinion | None

    @classmethod
    def of_batch(
        cls,
        batch: dict,
        opinion: TeacherOpinion | None,
        enrich_threshold: float | Sequence[float],
        ignore_index: int,
    ) -> Sample:
        """Takes the one image of a batch.

        Args:
            batch: of a loader of `TrainingImages`.
            opinion: of the teacher on it; None if it is not asked.
            enrich_threshold: least probability with which a prediction joins
                the label.
            ignore_index: the value of unlabelled pixels.

        Returns:
            The sample.
        """
        sample = batch['data_samples'][0]
        weak = label = sample.gt_sem_seg.data[0].numpy()
        if opinion is not None:
            label = enrich(
                weak,
                opinion.prediction,
                opinion.probability,
                enrich_threshold,
                ignore_index,
            )
        return cls(
            path=sample.img_path,
            image=rgb_view(batch['inputs'][0], sample.img_path),
            weak=weak,
            drawn=weak != ignore_index,
            label=label,
            opinion=opinion if opinion and opinion.is_stored else None,
        )
