"""Tasks of Label Studio's exports, and the regions of their annotations.

The layout is that of https://labelstud.io/guide/export and of the pages of
the tags, such as https://labelstud.io/tags/polygonlabels; the code of a brush
is written by `brushes.py`.
"""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from brushes import encode_brush
from PIL import Image

CLASSES = ['zero', 'one', 'two']
# Width and height: percentages of them are no whole numbers.
SIZE = 16, 12
UPLOAD = '/data/upload/3/1f2e3d4c-a.jpg'


def points(*corners):
    return [[100 * x / SIZE[0], 100 * y / SIZE[1]] for x, y in corners]


def region(kind, label, value, **more):
    labels = {} if label is None else {kind: [label]}
    return dict(
        dict(
            id='x',
            type=kind,
            from_name='label',
            to_name='image',
            original_width=SIZE[0],
            original_height=SIZE[1],
            image_rotation=0,
            value=dict(value, **labels),
        ),
        **more,
    )


def polygon(label, *corners, **more):
    value = dict(points=points(*corners), closed=True)
    return region('polygonlabels', label, value, **more)


def box(label, left, top, width, height, rotation=0):
    (x, y), (w, h) = points((left, top), (width, height))
    value = dict(x=x, y=y, width=w, height=h, rotation=rotation)
    return region('rectanglelabels', label, value)


def dot(label, x, y):
    ((x, y),) = points((x, y))
    return region('keypointlabels', label, dict(x=x, y=y, width=0.5))


def brush(label, mask):
    value = dict(format='rle', rle=encode_brush(mask))
    return region('brushlabels', label, value)


def data_url(image):
    file = BytesIO()
    image.save(file, 'PNG')
    text = base64.b64encode(file.getvalue()).decode()
    return f'data:image/png;base64,{text}'


def bitmask(label, mask):
    """Black on a transparent image, as the editor draws it."""
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[mask, 3] = 255
    value = dict(imageDataURL=data_url(Image.fromarray(pixels)))
    return region('bitmasklabels', label, value)


def vector(label, *vertices, closed=False, **more):
    """A vector of vertices (id, id of the one before, x, y)."""
    found = [
        dict(
            dict(id=name, prevPointId=before, isBezier=False),
            **dict(zip('xy', points((x, y))[0])),
        )
        for name, before, x, y in vertices
    ]
    value = dict(vertices=found, closed=closed)
    return region('vectorlabels', label, value, **more)


def task(*results, image=UPLOAD, **changes):
    annotation = dict(id=7, was_cancelled=False, result=[*results])
    return dict(
        dict(id=1, data=dict(image=image), annotations=[annotation]), **changes
    )


SQUARE = polygon('one', (1, 1), (4, 1), (4, 3), (1, 3))
