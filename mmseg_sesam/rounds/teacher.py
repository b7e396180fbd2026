"""Predictions of the teacher in a refresh."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.models import SeSAMEncoderDecoder


@dataclass
class TeacherPredictor:
    """Predicts training images with the teacher, or without one the student.

    Args:
        model: in evaluation mode, with the same weights on all ranks.
        scale: scale at which the teacher is shown images.
    """

    model: SeSAMEncoderDecoder
    scale: ValidationResize

    def __call__(self, batch: dict) -> Tensor:
        """Returns (C, H, W) probabilities of the one image of a batch."""
        data = self.model.data_preprocessor(self.scale(batch), False)
        return self.model.predict_probability(**data)

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

    def split(
        self, probabilities: Tensor, pseudo: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the confident and the agreeing labels, (H, W) uint8.

        The probabilities are (C, H, W), the pseudo-label (H, W) uint8. See
        `SeSAMEncoderDecoder`.
        """
        label = torch.from_numpy(pseudo).to(probabilities.device)[None]
        confident = self.model.confident_labels(probabilities[None])
        agreeing = self.model.agreeing_labels(label, probabilities[None])
        return confident[0].cpu().numpy(), agreeing[0].cpu().numpy()

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
