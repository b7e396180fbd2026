"""Predictions of the teacher in a refresh."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmseg_sesam.compat import swaps_channels
from mmseg_sesam.core.bands import row_bands
from mmseg_sesam.core.evidence import Evidence, spread_pixels
from mmseg_sesam.core.labelled_pixels import spread_ranks
from mmseg_sesam.core.refinement import class_thresholds, enrich
from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.models.sliding import score_bands
from mmseg_sesam.rounds.distributed import interleave, on_all_ranks
from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.structures import LABEL_KINDS, NO_LABEL, UNLABELLED

# Images of the set, and pixels of each, to which the constants of class
# shares and the thresholds of classes are fitted (our choice).
_PRIOR_IMAGES, _PRIOR_PIXELS = 400, 1000


class TeacherPrediction(NamedTuple):
    """What a round needs of the teacher's predictions of an image.

    The probabilities themselves would take four bytes of each pixel and
    class.

    Attributes:
        label: (H, W) uint8, the weak label and confident predictions.
        evidence: evidence for the classes.
        confident: (H, W) uint8 confident labels for training; None if
            training does not read them from the store.
        agrees: (C / 8, H, W) uint8, for each class a bit, whether the
            teacher does not contradict it; None as above.
    """

    label: np.ndarray
    evidence: Evidence
    confident: np.ndarray | None
    agrees: np.ndarray | None

    def agreeing(self, label: np.ndarray) -> np.ndarray:
        """Returns an (H, W) uint8 label without contradicted pixels."""
        kept = np.full_like(label, UNLABELLED)
        for rows in row_bands(label.shape):
            part, bits = label[rows], self.agrees[:, rows]
            # Unlabelled pixels are no class.
            byte = np.minimum(part >> 3, len(bits) - 1)[None].astype(np.intp)
            found = np.take_along_axis(bits, byte, axis=0)[0]
            agrees = (found >> (7 - (part & 7)) & 1).astype(bool)
            np.copyto(kept[rows], part, where=agrees)
        return kept


@dataclass
class TeacherPredictor:
    """Predicts training images with the teacher, or without one the student.

    Args:
        model: in evaluation mode, with the same weights on all ranks.
        prepare: changes images as validation does.
        enrich_threshold: least probability with which a prediction joins
            the weak label, see `enrich`.
    """

    model: SeSAMEncoderDecoder
    prepare: ValidationTransforms
    enrich_threshold: float | Sequence[float]

    @torch.no_grad()
    def bands(self, batch: dict) -> Iterator[tuple[slice, Tensor]]:
        """Yields rows of an image, and their (C, h, W) probabilities.

        Together they are the probabilities of the whole image, which a model
        with test_cfg mode='slide' makes one row of windows at a time.

        A network that draws random numbers, as that of SegNeXt does, draws the
        same ones for each image, so that a resumed refresh predicts as an
        undisturbed one.
        """
        model, batch = self.model, self.prepare(batch)
        samples = batch['data_samples']
        with _seeded(next(model.parameters()).device):
            for rows, scores in score_bands(
                model.predictor, model.data_preprocessor, batch
            ):
                yield rows, model.to_probability(scores[None], samples)[0]

    def predict_labels(
        self,
        batch: dict,
        weak: np.ndarray,
        thresholds: Sequence[float] | None = None,
    ) -> TeacherPrediction:
        """Returns what a round needs of the predictions of an image.

        Args:
            batch: of the one image.
            weak: (H, W) uint8 weak label.
            thresholds: of each class, instead of `enrich_threshold`.
        """
        if thresholds is None:
            thresholds = self.enrich_threshold
        label = np.empty_like(weak)
        confident, agrees = None, None
        if self.stores_labels:
            confident = np.empty_like(weak)
            # Eight classes a byte, as all of them need gigabytes.
            number = -(-self.model.num_classes // 8)
            agrees = np.empty((number, *weak.shape), np.uint8)
        rows, cols = spread_pixels(weak.shape)
        spread = []
        for band, probability in self.bands(batch):
            here = (rows >= band.start) & (rows < band.stop)
            spread.append(
                probability[:, rows[here] - band.start, cols[here]].T.cpu()
            )
            label[band] = enrich(
                weak[band],
                probability.argmax(dim=0).cpu().numpy(),
                probability.amax(dim=0).cpu().numpy(),
                thresholds,
            )
            if self.stores_labels:
                confident[band], agrees[:, band] = (
                    self._confident_and_agreeing(probability)
                )
        evidence = Evidence.of(weak.shape, torch.cat(spread).numpy())
        return TeacherPrediction(label, evidence, confident, agrees)

    def _confident_and_agreeing(
        self, probability: Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns `confident` and `agrees` of a band's prediction."""
        confident = self.model.confident_labels(probability[None])[0]
        least = self.model.least_agreeing(probability[None])[0]
        agrees = (probability >= least).cpu().numpy()
        return confident.cpu().numpy(), np.packbits(agrees, axis=0)

    @property
    def stores_labels(self) -> bool:
        """Whether training reads the confident labels from the store."""
        return self.model.teacher_mode == 'round'

    @property
    def labelling(self) -> dict[str, Any]:
        """The options by which predictions become labels."""
        model = self.model
        options = dict(
            teacher=model.teacher_mode,
            confident_threshold=model.confident_threshold,
            agreement=model.agreement,
            only_weak_classes=model.only_weak_classes,
        )
        if model.teacher_prior is not None:
            options['shares'] = model.teacher_prior.shares.tolist()
        return options

    @property
    def inference(self) -> dict[str, Any]:
        """The options by which images become predictions, but `prepare`."""
        preprocessor = self.model.data_preprocessor
        normalization = {
            name: getattr(preprocessor, name).flatten().tolist()
            for name in ('mean', 'std')
            if hasattr(preprocessor, name)
        }
        return dict(
            test_cfg=self.model.predictor.test_cfg,
            padding=[preprocessor.test_cfg, preprocessor.pad_val],
            swaps_channels=swaps_channels(preprocessor),
            **normalization,
        )

    def fit_prior(self, images: TrainingImages, group: Any = None) -> None:
        """Fits the constants of known class shares, if the model has any.

        They depend on the teacher's weights and the images alone, so that a
        resumed refresh gets the same ones.
        """
        prior = self.model.teacher_prior
        if prior is None:
            return
        prior.reset()
        places = images.spread(_PRIOR_IMAGES)
        said = 'class shares of predictions'
        prior.fit(self._pixels_of(images, places, said, group))

    def class_thresholds(
        self, images: TrainingImages, group: Any = None
    ) -> np.ndarray | None:
        """Returns the thresholds of unlabelled images, None without any.

        They depend on the teacher's weights and the images alone.

        Args:
            images: images of the training set.
            group: process group of the ranks.
        """
        labelled = {None, *LABEL_KINDS} - {NO_LABEL}
        places = images.spread(_PRIOR_IMAGES, leave_out=labelled)
        if not places:
            return None
        said = 'thresholds of classes'
        probability = self._pixels_of(images, places, said, group)
        return class_thresholds(
            probability.float().numpy(), self.enrich_threshold
        )

    def _pixels_of(
        self, images: TrainingImages, places: list[int], said: str, group: Any
    ) -> Tensor:
        """Returns `_some_pixels` of images, joined.

        They have the order of the images, whatever the number of ranks.
        """
        batches = images.load_part(places, said)
        parts = on_all_ranks(
            lambda: [self._some_pixels(batch) for batch in batches], group
        )
        return torch.cat(interleave(parts))

    def _some_pixels(self, batch: dict) -> Tensor:
        """Returns (P, C) probabilities on the CPU, spread over the image."""
        height, width = batch['data_samples'][0].ori_shape[:2]
        random = np.random.default_rng(0).random(_PRIOR_PIXELS)
        ranks = torch.from_numpy(spread_ranks(height * width, random))
        parts = []
        for band, probability in self.bands(batch):
            places = ranks - band.start * width
            inside = (places >= 0) & (places < probability[0].numel())
            places = places[inside].to(probability.device)
            parts.append(probability.flatten(1)[:, places].T.cpu())
        return torch.cat(parts)

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


@contextmanager
def _seeded(device: torch.device) -> Iterator[None]:
    """Seeds torch's generators, and restores their states afterwards."""
    devices = [device] if device.type == 'cuda' else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)
        yield
