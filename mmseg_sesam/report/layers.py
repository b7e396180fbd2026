"""Encodes images and label maps for the page."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import cv2
import numpy as np

from mmseg_sesam.report.images import Labelled
from mmseg_sesam.visualization.sheet import reduced_size, resize_label

# Pixels of the longer side; bounds the size of the page (our choice).
MAX_SIDE = 512
# Components of a round that have a record on the page, which bounds its size
# too (our choice).
MAX_COMPONENTS = 100


def encode_images(
    labelled: Labelled, prediction: np.ndarray | None
) -> dict[str, Any]:
    """Encodes a training image and its layers, see `encode_layers`."""
    # Without pseudo-labels the label may be a dense one.
    maps = {'weak label' if labelled.rounds else 'label': labelled.weak}
    maps.update({f'round {r}': a for r, a in labelled.rounds.items()})
    maps['confident'] = labelled.confident
    maps['prediction'] = prediction
    maps['truth'] = labelled.truth
    records = {f'round {r}': part for r, part in labelled.records.items()}
    entry = encode_layers(labelled.image, maps, records)
    if any(len(part) > MAX_COMPONENTS for part in records.values()):
        entry['limit'] = (
            f'prompts and records are of the {MAX_COMPONENTS} largest '
            'components of each round'
        )
    return entry


def encode_layers(
    image: np.ndarray,
    maps: dict[str, np.ndarray | None],
    records: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """Encodes an image, (H, W) uint8 label maps by name, and records.

    Returns:
        'jpeg' (a data URL), 'size' (width and height of the file), 'shape'
        (width and height of the layers), 'layers' and 'records'. A layer has
        a 'name' and 'data', base64 of the zlib-compressed class ids in
        raster order.
    """
    height, width = image.shape[:2]
    shape = reduced_size(width, height, MAX_SIDE)
    return dict(
        jpeg=_encode_photo(image, shape),
        size=[width, height],
        shape=list(shape),
        layers=[
            dict(name=name, data=_encode_label(resize_label(label, shape)))
            for name, label in maps.items()
            if label is not None
        ],
        records={
            name: list(map(_encode_record, _largest(part)))
            for name, part in records.items()
        },
    )


def _largest(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the records of the largest components."""
    ranked = sorted(records, key=lambda record: -record['area'])
    return ranked[:MAX_COMPONENTS]


def _encode_photo(image: np.ndarray, shape: tuple[int, int]) -> str:
    small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80]
    content = cv2.imencode('.jpg', small[..., ::-1], quality)[1]
    return f'data:image/jpeg;base64,{base64.b64encode(content).decode()}'


def _encode_label(label: np.ndarray) -> str:
    packed = zlib.compress(np.ascontiguousarray(label), 9)
    return base64.b64encode(packed).decode()


def _encode_record(record: dict[str, Any]) -> dict[str, Any]:
    """Returns whole points, and None for NaN, which is not JSON."""
    known = {k: None if v != v else v for k, v in record.items()}
    return dict(known, points=np.rint(record['points']).astype(int).tolist())
