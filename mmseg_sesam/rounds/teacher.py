"""Predictions of the teacher in a refresh."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.models import SeSAMEncoderDecoder


class TeacherPrediction(NamedTuple):
    """Teacher probabilities of one image, with the model's thresholds.

    Attributes:
        model: whose teacher predicted.
        probabilities: (C, H, W) float, of each class.
    """

    model: SeSAMEncoderDecoder
    probabilities: Tensor

    @property
    def labels(self) -> np.ndarray:
        """(H, W) integers, the most probable class."""
        return self.probabilities.argmax(dim=0).cpu().numpy()

    @property
    def probability(self) -> np.ndarray:
        """(H, W) float32, of the most probable class."""
        return self.probabilities.amax(dim=0).cpu().numpy()

    def split(self, pseudo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the confident labels, and the pseudo-labels that agree.

        Args:
            pseudo: (H, W) uint8 pseudo-label.

        Returns:
            Both (H, W) uint8, see `SeSAMEncoderDecoder`.
        """
        label = torch.from_numpy(pseudo).to(self.probabilities.device)
        probability = self.probabilities[None]
        confident = self.model.confident_labels(probability)
        agreeing = self.model.agreeing_labels(label[None], probability)
        return confident[0].cpu().numpy(), agreeing[0].cpu().numpy()


class TeacherPredictor:
    """Predicts training images with the teacher, or without one the student.

    Args:
        model: in evaluation mode, with the same weights on all ranks.
        scale: at which the teacher is shown images.
    """

    def __init__(
        self, model: SeSAMEncoderDecoder, scale: ValidationResize
    ) -> None:
        self.model = model
        self.scale = scale

    @property
    def stores_labels(self) -> bool:
        """Whether training reads the confident labels from the store."""
        return self.model.teacher_mode == 'round'

    @property
    def thresholds(self) -> list:
        """The options by which predictions become labels."""
        model = self.model
        return [
            model.teacher_mode,
            model.confident_threshold,
            model.agreement,
            model.only_weak_classes,
        ]

    def __call__(self, batch: dict) -> TeacherPrediction:
        """Predicts the one image of a batch."""
        data = self.model.data_preprocessor(self.scale(batch), False)
        probabilities = self.model.predict_probability(**data)
        return TeacherPrediction(self.model, probabilities)

    def digest(self) -> str:
        """Returns the sha256 of the predicting weights."""
        model = self.model
        source = model if model.teacher is None else model.teacher
        digest = hashlib.sha256()
        for name, value in sorted(source.state_dict().items()):
            digest.update(name.encode())
            if isinstance(value, Tensor):
                flat = value.detach().cpu().contiguous().flatten()
                digest.update(flat.view(torch.uint8).numpy())
        return digest.hexdigest()
