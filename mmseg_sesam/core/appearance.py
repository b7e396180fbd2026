"""Classes from colour, texture and place, learned from weak labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from scipy.special import softmax

from mmseg_sesam.core.bands import class_ids, row_bands
from mmseg_sesam.core.evidence import Evidence, cell_size
from mmseg_sesam.structures import UNLABELLED

# Labelled cells taken from one image, about, and the least of each class (our
# choice).
CELLS_PER_IMAGE, CELLS_PER_CLASS = 256, 4
# Random Fourier features, the spread of their frequencies, and the ridge
# penalties of the set and of one labelled cell of an image (our choice, from
# weak labels of four data sets).
_FEATURES, _FREQUENCY, _RIDGE, _OWN_RIDGE = 512, 0.3, 1e-5, 0.5
# Least standard deviation of a measure, since all samples may have one value.
_LEAST_SCALE = np.float32(0.005)
# Weight of an image's own labels (our choice).
_OWN_WEIGHT = 2.0
# Gaussian blurs of the measures, standard deviation in cells (our choice).
_BLURS = (1, 3)
# Runs of images that are held out in turn to find the temperature.
_RUNS = 8
_TEMPERATURES = np.geomspace(0.05, 5, 14)


class Samples(NamedTuple):
    """Labelled cells of images.

    Attributes:
        measures: (N, F) float32, see `measure_cells`.
        classes: (N,) integers, class ids.
    """

    measures: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True, eq=False)
class AppearanceModel:
    """Predicts classes from the colour, texture and place of cells.

    Kernel ridge regression on random Fourier features (Rahimi and Recht,
    2007) of the whole set, and one of the image's own labels, which tell the
    brown of this dog from the brown of this floor. Classes are balanced,
    since clicks say nothing of areas. The temperature is the one that
    explains held-out weak labels best: where appearance says little of the
    class, the set counts for little. Its use as evidence for masks is our
    choice.

    Attributes:
        mean: (F,) mean of the measures.
        scale: (F,) their standard deviation.
        weights: (D, C) float32.
        temperature: divisor of the scores.

    Example:
        >>> image = np.zeros((8, 8, 3), np.uint8)
        >>> image[:, 4:] = 255
        >>> label = np.full((8, 8), 255, np.uint8)
        >>> label[4:] = image[4:, :, 0] // 255
        >>> model = AppearanceModel.fit([collect_samples(image, label)] * 8)
        >>> logs = model(image, label).log_probabilities
        >>> logs.argmax(axis=1)[:4].tolist()
        [0, 0, 1, 1]
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    temperature: float

    @classmethod
    def fit(cls, images: Sequence[Samples]) -> AppearanceModel | None:
        """Returns the model of samples, one entry for each image.

        None if they have fewer than two classes, or come from fewer than
        two images: the temperature needs images that are held out.
        """
        images = [one for one in images if len(one.classes)]
        if len(images) < 2:
            return None
        measures = np.concatenate([one.measures for one in images])
        classes = np.concatenate([one.classes for one in images])
        ids, own = np.unique(classes, return_inverse=True)
        if len(ids) < 2:
            return None
        mean = measures.mean(axis=0)
        scale = np.hypot(measures.std(axis=0), _LEAST_SCALE)
        features = _fourier((measures - mean) / scale)
        number = int(classes.max()) + 1
        # Neighbours in a video look alike: long runs are held out.
        number_of_runs = min(_RUNS, len(images))
        runs = np.arange(len(images)) * number_of_runs // len(images) % 2
        held_out = np.repeat(runs, [len(one.classes) for one in images])
        scores = np.zeros((len(classes), number), np.float32)
        for fold in (0, 1):
            test = held_out == fold
            weights = _solve(features[~test], classes[~test], number, _RIDGE)
            scores[test] = features[test] @ weights
        return cls(
            mean,
            scale,
            _solve(features, classes, number, _RIDGE),
            # A class id that no image shows is no rival.
            _temperature(scores[:, ids], own),
        )

    def __call__(self, image: np.ndarray, label: np.ndarray) -> Evidence:
        """Returns the evidence for the classes of an image's label.

        Args:
            image: (H, W, 3) uint8 in RGB.
            label: (H, W) uint8 class ids.
        """
        cells = measure_cells(image)
        own = _labelled(cells, label)
        # A class may lie beside all cells, at the edge of the image.
        present = class_ids(label)
        if not len(own.classes):
            return Evidence.none(label.shape)
        learned = np.flatnonzero(self.weights.any(axis=0))
        if len(present) == 1:
            # A class alone is compared with all others of the set.
            present = np.union1d(present, learned)
        spread = cells[::2, ::2].reshape(-1, cells.shape[-1])
        features, known = self._features(spread), self._features(own.measures)
        number = int(present[-1]) + 1
        weights = _OWN_WEIGHT * _solve(
            known, own.classes, number, _OWN_RIDGE / len(known)
        )
        scaled = self.weights / self.temperature
        shared = learned[learned < number]
        weights[:, shared] += scaled[:, shared]
        # The set says nothing for or against a class that it did not show.
        unseen = np.setdiff1d(present, learned)
        weights[:, unseen] += scaled[:, learned].mean(axis=1, keepdims=True)
        scores = features @ weights[:, present]
        probabilities = np.zeros((len(scores), number), np.float32)
        probabilities[:, present] = softmax(scores, axis=1)
        return Evidence.of(label.shape, probabilities)

    def _features(self, measures: np.ndarray) -> np.ndarray:
        return _fourier((measures - self.mean) / self.scale)


def collect_samples(image: np.ndarray, label: np.ndarray) -> Samples:
    """Returns samples of an image's labelled cells, about 256 at most.

    Args:
        image: (H, W, 3) uint8 in RGB.
        label: (H, W) uint8 class ids.
    """
    return _labelled(measure_cells(image), label)


def measure_cells(image: np.ndarray) -> np.ndarray:
    """Measures colour, texture and place of an image's cells.

    Args:
        image: (H, W, 3) uint8 in RGB.

    Returns:
        (h, w, F) float32: mean colour, contrast and edges of each cell and of
        two Gaussian windows about it, and its row and column in [0, 1].
    """
    side = cell_size(image.shape[:2])
    rows, cols = image.shape[0] // side, image.shape[1] // side
    image = image[: rows * side, : cols * side]
    means = np.concatenate(
        [
            _mean_of_cells(image, band, side)
            for band in row_bands(image.shape, side)
        ]
    )
    windows = [means]
    windows += [cv2.GaussianBlur(means, (0, 0), blur) for blur in _BLURS]
    parts = []
    for window in windows:
        variance = window[..., 5] - window[..., 0] ** 2
        parts += [window[..., :5], np.sqrt(variance.clip(0))]
    place = np.mgrid[:rows, :cols] / np.array([rows, cols])[:, None, None]
    return np.dstack([*parts, *place]).astype(np.float32)


def _mean_of_cells(image: np.ndarray, band: slice, side: int) -> np.ndarray:
    """Returns (h, w, 6) float32 means of the cells in a band of rows."""
    # With the row below, for the steps to it.
    part = image[band.start : band.stop + 1]
    colour = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).astype(np.float32)
    colour /= 255
    height, width = band.stop - band.start, part.shape[1]
    light, below = colour[:height, :, 0], colour[1:, :, 0]
    if len(below) < height:
        below = np.concatenate([below, light[-1:]])
    right = np.abs(np.diff(light, axis=1, append=light[:, -1:]))
    below = np.abs(below - light)
    pixels = np.dstack([colour[:height], right, below, light * light])
    return cv2.resize(
        pixels,
        (width // side, height // side),
        interpolation=cv2.INTER_AREA,
    ).reshape(height // side, width // side, -1)


def _labelled(cells: np.ndarray, label: np.ndarray) -> Samples:
    """Returns samples of the labelled ones among (h, w, F) cells.

    Classes share `CELLS_PER_IMAGE` by the roots of their cells: large classes
    vary more, and none is missed. A cell with several classes may be a sample
    of each.
    """
    rows, cols = cells.shape[:2]
    side = cell_size(label.shape)
    ids = class_ids(label)
    # Whether a cell has a pixel of a class: one pass for all classes.
    has = np.zeros((256, rows, cols), bool)
    for row in range(rows):
        part = label[row * side : (row + 1) * side, : cols * side]
        labelled = part != UNLABELLED
        _, places = np.nonzero(labelled)
        has[part[labelled], row, places // side] = True
    found = [np.flatnonzero(has[class_id]) for class_id in ids]
    roots = np.sqrt([len(own) for own in found])
    shares = np.ceil(CELLS_PER_IMAGE * roots / max(roots.sum(), 1))
    rng = np.random.default_rng(0)
    chosen = [np.zeros(0, int)]
    for own, share in zip(found, np.maximum(shares, CELLS_PER_CLASS)):
        if len(own) > share:
            own = rng.choice(own, int(share), replace=False)
        chosen.append(own)
    classes = np.repeat(ids, [len(own) for own in chosen[1:]])
    measures = cells.reshape(rows * cols, -1)[np.concatenate(chosen)]
    return Samples(measures, classes)


def _fourier(measures: np.ndarray) -> np.ndarray:
    """Returns (N, D) random Fourier features of (N, F) measures.

    The sum of their squares is about 1.
    """
    rng = np.random.default_rng(0)
    shape = (measures.shape[1], _FEATURES)
    frequencies = rng.normal(0, _FREQUENCY, shape).astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, _FEATURES).astype(np.float32)
    scale = np.float32(np.sqrt(2 / _FEATURES))
    return scale * np.cos(measures @ frequencies + phases)


def _solve(
    features: np.ndarray, classes: np.ndarray, number: int, ridge: float
) -> np.ndarray:
    """Returns (D, C) ridge weights, with all classes of equal weight."""
    counts = np.bincount(classes, minlength=number)
    weights = 1 / counts[classes] / np.count_nonzero(counts)
    weighted = features * weights.astype(np.float32)[:, None]
    gram = weighted.T @ features
    gram += ridge * np.eye(len(gram), dtype=np.float32)
    targets = np.eye(number, dtype=np.float32)[classes]
    return np.linalg.solve(gram, weighted.T @ targets)


def _temperature(scores: np.ndarray, classes: np.ndarray) -> float:
    """Returns the temperature of the greatest balanced likelihood.

    Args:
        scores: (N, C), a column for each class.
        classes: (N,) columns of the samples' classes.
    """
    counts = np.bincount(classes)
    weights = 1 / counts[classes]

    def loss(temperature: float) -> float:
        scaled = scores / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled).sum(axis=1))
        own = scaled[np.arange(len(classes)), classes]
        return float((weights * (total - own)).sum())

    return float(min(_TEMPERATURES, key=loss))
