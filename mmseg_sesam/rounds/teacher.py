"""What the teacher says of an image at a refresh."""

from __future__ import annotations

import hashlib
from typing import Callable, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.models import SeSAMEncoderDecoder


class TeacherOpinion(NamedTuple):
    """Class probabilities of an image, and how the model judges by them.

    Attributes:
        model: whose teacher was asked.
        probabilities: (C, H, W) float, of each class.
    """

    model: SeSAMEncoderDecoder
    probabilities: Tensor

    @classmethod
    def asker(
        cls, model: SeSAMEncoderDecoder, scale: ValidationResize
    ) -> Callable[[dict], TeacherOpinion]:
        """Prepares a model's teacher for a refresh.

        Args:
            model: in evaluation mode, of the same weights on all ranks.
            scale: at which it is shown images.

        Returns:
            A function from a batch of one image to the opinion on it.
        """

        def ask(batch: dict) -> TeacherOpinion:
            data = model.data_preprocessor(scale(batch), False)
            return cls(model, model.predict_probability(**data))

        return ask

    @property
    def prediction(self) -> np.ndarray:
        """(H, W) integers, the likeliest class."""
        return self.probabilities.argmax(dim=0).cpu().numpy()

    @property
    def probability(self) -> np.ndarray:
        """(H, W) float32, of the likeliest class."""
        return self.probabilities.amax(dim=0).cpu().numpy()

    @property
    def is_stored(self) -> bool:
        """Whether training will need this opinion from the disk."""
        return self.model.teacher_mode == 'round'

    def judge(self, sam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Applies the thresholds of `SeSAMEncoderDecoder`.

        Args:
            sam: (H, W) uint8, SAM's pseudo-label.

        Returns:
            Confident predictions and SAM's remaining labels, both (H, W)
            uint8.
        """
        label = torch.from_numpy(sam).to(self.probabilities.device)
        probability = self.probabilities[None]
        confident = self.model.confident_labels(probability)
        agreed = self.model.agreeing_labels(label[None], probability)
        return confident[0].cpu().numpy(), agreed[0].cpu().numpy()


def weights_digest(model: SeSAMEncoderDecoder) -> str:
    """Names the weights by which a model gives its opinion.

    Args:
        model: of the same weights on all ranks.

    Returns:
        Their sha256, in hexadecimal digits.
    """
    digest = hashlib.sha256()
    source = model if model.teacher is None else model.teacher
    for name, value in sorted(source.state_dict().items()):
        digest.update(name.encode())
        if isinstance(value, Tensor):
            flat = value.detach().cpu().contiguous().flatten()
            digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()
