"""Writes suggestions: a list, a page with pictures, and annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from mmseg_sesam.annotations.export import export
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.io.names import printable
from mmseg_sesam.io.suggestions import SUGGESTIONS
from mmseg_sesam.io.templates import render
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.suggest.look import Looker
from mmseg_sesam.suggest.pictures import draw_strip
from mmseg_sesam.visualization.training_sample import describe_label

PAGE_NAME = 'suggestions.html'


def write_suggestions(
    out: Path, looker: Looker, indices: Sequence[int], content: dict[str, Any]
) -> None:
    """Writes pictures, page and list of suggestions.

    Args:
        out: folder.
        looker: of the run.
        indices: of the suggested images in the training set.
        content: of the list, see `suggest`.
    """
    _write_pictures(out, looker, indices, content['suggestions'])
    _write_page(out, content, looker.images.classes, looker.images.palette)
    _write_list(out, content)


def _write_pictures(
    out: Path,
    looker: Looker,
    indices: Sequence[int],
    suggestions: Sequence[dict[str, Any]],
) -> None:
    """Writes the picture of each suggestion, with its regions."""
    rows = zip(Progress(indices, desc='drawing'), suggestions)
    for index, suggestion in rows:
        packed = looker.images.dataset[index]
        sample = packed['data_samples']
        title = describe_label(sample.get('label_kind'), 'label')
        # Before the prediction, which may change the sample.
        image = rgb_view(packed['inputs'], sample)
        maps = {title: looker.weak_label(packed)}
        maps.update(looker.maps(index, looker.predictor(packed)))
        boxes = [region['box'] for region in suggestion['regions']]
        strip = draw_strip(image, maps, looker.images.palette, boxes)
        path = out / suggestion['picture']
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(strip).save(path)


def write_annotations(
    out: Path,
    looker: Looker,
    indices: Sequence[int],
    formats: Sequence[str],
    tolerance: float,
) -> None:
    """Writes the current labels of images, a folder for each format."""
    images = looker.images
    for name in formats:
        export(
            images=[Path(images.paths[index]) for index in indices],
            labels=map(looker.current_label, indices),
            out=out / name,
            format=name,
            tolerance=tolerance,
            classes=images.classes,
            palette=images.palette,
            # A name does not depend on the choice of images.
            root=images.folder,
        )


def _write_list(out: Path, content: dict[str, Any]) -> None:
    """Writes the suggestions as JSON."""
    text = json.dumps(content, indent=1, allow_nan=False)
    (out / SUGGESTIONS).write_text(text)


def _write_page(
    out: Path,
    content: dict[str, Any],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> None:
    """Writes the suggestions as a page, which shows the pictures."""
    shown = [
        dict(one, name=printable(one['image']))
        for one in content['suggestions']
    ]
    context = dict(content, suggestions=shown, classes=classes)
    context.update(
        work_dir=printable(content['work_dir']),
        palette=[list(colour) for colour in palette],
    )
    text = render(__package__, PAGE_NAME, **context)
    (out / PAGE_NAME).write_text(text, encoding='utf-8')
