"""An image of the training set on its way to a pseudo-label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.refinement import enrich
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.rounds.teacher import TeacherPrediction, TeacherPredictor


class Sample(NamedTuple):
    """An image with its labels.

    Attributes:
        path: of the image.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 weak label.
        from_person: (H, W) bool, true where the weak label labels.
        label: (H, W) uint8, the weak label, in a refresh enriched with the
            teacher's confident predictions.
        prediction: of the teacher, if it is stored. Others are dropped at
            once: several images are in memory, and probabilities are large.
    """

    path: str
    image: np.ndarray
    weak: np.ndarray
    from_person: np.ndarray
    label: np.ndarray
    prediction: TeacherPrediction | None

    @classmethod
    def of_batch(
        cls,
        batch: dict,
        teacher: TeacherPredictor | None,
        enrich_threshold: float | Sequence[float],
        ignore_index: int,
    ) -> Sample:
        """Returns the sample of a batch of one image.

        Args:
            batch: of a loader of `TrainingImages`.
            teacher: predicts the image; None in round 0.
            enrich_threshold: least probability with which a prediction joins
                the label.
            ignore_index: the value of unlabelled pixels.
        """
        sample = batch['data_samples'][0]
        weak = label = sample.gt_sem_seg.data[0].numpy()
        prediction = None
        if teacher is not None:
            prediction = teacher(batch)
            label = enrich(
                weak,
                prediction.labels,
                prediction.probability,
                enrich_threshold,
                ignore_index,
            )
            if not teacher.stores_labels:
                prediction = None
        return cls(
            path=sample.img_path,
            image=rgb_view(batch['inputs'][0], sample.img_path),
            weak=weak,
            from_person=weak != ignore_index,
            label=label,
            prediction=prediction,
        )
