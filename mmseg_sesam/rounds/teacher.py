"""Predictions of the teacher in a refresh."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine import dist
from torch import Tensor

from mmseg_sesam.datasets.validation_resize import ValidationResize
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.rounds.distributed import on_all_ranks
from mmseg_sesam.rounds.training_images import TrainingImages

# Images of the set, and pixels of each, to which the constants of class
# shares are fitted (our choice).
_PRIOR_IMAGES, _PRIOR_PIXELS = 400, 1000


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
        options = [
            model.teacher_mode,
            model.confident_threshold,
            model.agreement,
            model.only_weak_classes,
        ]
        if model.teacher_prior is not None:
            options.append(model.teacher_prior.shares.tolist())
        return options

    def fit_prior(self, images: TrainingImages, group: Any = None) -> None:
        """Fits the constants of known class shares, if the model has any.

        They depend on the teacher's weights and the images alone, so that a
        resumed refresh gets the same ones.
        """
        prior = self.model.teacher_prior
        if prior is None:
            return
        prior.reset()
        total = len(images.facts)
        number = min(_PRIOR_IMAGES, total)
        places = np.linspace(0, total - 1, number).round().astype(int)
        rank, world_size = dist.get_dist_info()
        loader = images.loader(places[rank::world_size].tolist())
        batches = Progress(
            loader,
            desc='class shares of predictions',
            delay=2,
            disable=rank > 0,
        )
        parts = on_all_ranks(
            lambda: [self._some_pixels(batch) for batch in batches], group
        )
        # In the order of the images, whatever the number of ranks.
        pixels = [
            parts[i % world_size][i // world_size] for i in range(number)
        ]
        prior.fit(torch.cat(pixels))

    def _some_pixels(self, batch: dict) -> Tensor:
        """Returns (P, C) probabilities on the CPU, evenly spread."""
        flat = self(batch).flatten(1)
        steps = torch.linspace(0, flat.shape[1] - 1, _PRIOR_PIXELS)
        return flat[:, steps.long().to(flat.device)].T.cpu()

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
