"""Writes predictions of a trained network to files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

from PIL import Image

from mmseg_sesam.engine.map_images import map_images
from mmseg_sesam.engine.predictor import (
    Prediction,
    Predictor,
    try_to_predict,
)
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.visualization.sheet import choose_palette, paint_label

# Quality of the overlays' JPEG files (our choice).
_QUALITY = 90


class PredictionFiles(NamedTuple):
    """The files of a prediction.

    Attributes:
        image: path of the image.
        label: index PNG of its classes.
        overlay: JPEG of the classes over the image, None to leave it out.
        confidence: PNG of 255 times the probabilities, None to leave it out.
    """

    image: Path
    label: Path
    overlay: Path | None
    confidence: Path | None

    @property
    def exist(self) -> bool:
        """Whether all files but the image exist."""
        return all(path.is_file() for path in self[1:] if path)


def write_predictions(
    predictor: Predictor, files: Sequence[PredictionFiles], jobs: int
) -> list[str]:
    """Writes predictions; returns a sentence for each that is incomplete."""
    results = map_images(_write, predictor, files, jobs)
    return [said for said in results if said]


def _write(predictor: Predictor, files: PredictionFiles) -> str | None:
    """Writes the files of a prediction, the overlay last, which may fail."""
    prediction = try_to_predict(predictor, files.image)
    if isinstance(prediction, str):
        return prediction
    try:
        palette = predictor.palette
        write = partial(write_label, label=prediction.label, palette=palette)
        _save(files.label, write)
        if files.confidence:
            write = partial(write_label, label=prediction.confidence)
            _save(files.confidence, write)
        if files.overlay:
            _save(files.overlay, partial(_paint, predictor, files, prediction))
    except (OSError, ValueError) as error:
        return str(error)
    return None


def _save(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file, unless an earlier call has written it."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        write(part)


def _paint(
    predictor: Predictor,
    files: PredictionFiles,
    prediction: Prediction,
    path: Path,
) -> None:
    image = predictor.show(files.image)
    if image.shape[:2] != prediction.label.shape:
        raise ValueError(
            f'{files.image} is {image.shape[1]} x {image.shape[0]} pixels, '
            'and the test pipeline loads it at another size; leave the '
            'overlays out with --no-overlays.'
        )
    # A head with one output tells two classes apart.
    number = max(predictor.num_classes, int(prediction.label.max()) + 1)
    palette = choose_palette(predictor.palette, number)
    painted = paint_label(image, prediction.label, palette)
    Image.fromarray(painted).save(path, 'JPEG', quality=_QUALITY)
