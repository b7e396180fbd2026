"""One image of a round -> its labels, records and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmseg_sesam.core.appearance import AppearanceModel
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.core.evidence import Evidence
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.io.names import sample_key
from mmseg_sesam.pseudo_labels.generator import (
    PseudoLabel,
    PseudoLabelGenerator,
)
from mmseg_sesam.rounds.summary import RoundSummary
from mmseg_sesam.rounds.teacher import TeacherPrediction, TeacherPredictor
from mmseg_sesam.store.store import CONFIDENT, LABELS
from mmseg_sesam.structures import DENSE, NO_LABEL, UNLABELLED


class Sample(NamedTuple):
    """An image on its way to a pseudo-label.

    Attributes:
        key: name of the image, see `sample_key`.
        kind: kind of the label, None if the data set does not say it.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 weak label.
        prediction: the teacher's, in a refresh.
    """

    key: str
    kind: str | None
    image: np.ndarray
    weak: np.ndarray
    prediction: TeacherPrediction | None

    @property
    def from_person(self) -> np.ndarray:
        """(H, W) bool, true where the weak label labels."""
        return self.weak != UNLABELLED

    @property
    def label(self) -> np.ndarray:
        """(H, W) uint8, the weak label, in a refresh enriched.

        The teacher's confident predictions join it.
        """
        return self.weak if self.prediction is None else self.prediction.label

    @property
    def evidence(self) -> Evidence | None:
        """The teacher's evidence for the classes, in a refresh."""
        if self.prediction is None:
            return None
        return self.prediction.evidence


class LabelledImage(NamedTuple):
    """The result of a round for one image.

    Attributes:
        maps: (H, W) uint8 label maps, by `LABELS` and `CONFIDENT`.
        records: records of the components, as JSON values.
        counts: counts of the image.
    """

    maps: dict[str, np.ndarray]
    records: list[dict]
    counts: RoundSummary


@dataclass
class ImageLabeller:
    """Reads single images of a round, and makes their labels.

    A dense label is its own pseudo-label. An image without a label has the
    teacher's confident predictions, and none in round 0. Neither is shown to
    the segmenter.

    Args:
        generator: makes the other pseudo-labels.
        data_root: folder to which images are named relative.
        teacher: None for round 0.
        class_thresholds: least probability of each class with which a
            prediction labels an unlabelled image.
        appearance: gives the evidence for the classes in round 0; None in a
            refresh, where the teacher gives it, or if none could be learned.
        prior: share of masks that conflict, by class, expansion and score;
            None rejects no mask for them.
    """

    generator: PseudoLabelGenerator
    data_root: str
    teacher: TeacherPredictor | None = None
    class_thresholds: Sequence[float] | None = None
    appearance: AppearanceModel | None = None
    prior: ConflictPrior | None = None

    def read(self, batch: dict) -> Sample:
        """Returns the one image of a batch with its labels."""
        sample = batch['data_samples'][0]
        weak = sample.gt_sem_seg.data[0].numpy()
        kind = sample.get('label_kind')
        prediction = None
        if self.teacher is not None and kind != DENSE:
            thresholds = self.class_thresholds if kind == NO_LABEL else None
            prediction = self.teacher.predict_labels(batch, weak, thresholds)
        return Sample(
            sample_key(sample.img_path, self.data_root),
            kind,
            rgb_view(batch['inputs'][0], sample),
            weak,
            prediction,
        )

    def count_masks(self, sample: Sample) -> np.ndarray:
        """Counts the candidates of an image, and those that conflict."""
        return self.generator.count_masks(sample.image, self._prepare(sample))

    def label(self, sample: Sample) -> LabelledImage:
        """Makes the labels of an image."""
        if sample.kind in (DENSE, NO_LABEL):
            made = PseudoLabel(sample.label, [])
        else:
            made = self.generator.make(sample.image, self._prepare(sample))
        maps = self._maps(sample, made.label)
        labelled = maps[LABELS] != UNLABELLED
        counts = RoundSummary(
            images=1,
            unlabelled_images=int(not sample.from_person.any()),
            components=len(made.records),
            fell_back=sum(record.fell_back for record in made.records),
            pixels=labelled.size,
            weak_pixels=int(np.count_nonzero(sample.from_person)),
            labelled_pixels=int(np.count_nonzero(labelled)),
            dense_images=int(sample.kind == DENSE),
        )
        records = [record._asdict() for record in made.records]
        return LabelledImage(maps, records, counts)

    def _prepare(self, sample: Sample) -> PreparedLabel:
        """Prepares a label; evidence is the appearance, else the teacher's."""
        evidence = sample.evidence
        if self.appearance is not None:
            evidence = self.appearance(sample.image, sample.weak)
        return self.generator.prepare(
            sample.image,
            sample.label,
            sample.from_person,
            evidence,
            self.prior,
        )

    def _maps(
        self, sample: Sample, pseudo: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Returns the label maps that the store keeps of an image."""
        teacher = self.teacher
        if teacher is None or not teacher.stores_labels:
            return {LABELS: pseudo}
        if sample.kind == DENSE:
            # The unlabelled pixels of a dense label are void.
            nothing = np.full_like(pseudo, UNLABELLED)
            return {LABELS: pseudo, CONFIDENT: nothing}
        agreeing = sample.prediction.agreeing(pseudo)
        labels = np.where(sample.from_person, sample.weak, agreeing)
        return {LABELS: labels, CONFIDENT: sample.prediction.confident}
