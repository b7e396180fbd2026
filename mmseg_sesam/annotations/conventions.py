"""Recognises annotation files of formats other than the one asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Callable
from xml.etree.ElementTree import Element

from mmseg_sesam.annotations.files import read_json, read_xml
from mmseg_sesam.io.listing import list_files

# Of a folder, so many files with one of these suffixes are looked at.
_FILES = 20
_SUFFIXES = {
    *('.json', '.ndjson', '.jsonl', '.geojson', '.xml'),
    *('.txt', '.csv', '.mat', '.npy'),
}
_AS_COCO = 'export the same annotations as COCO, and use the format coco'
_AS_PNG = 'write its labels as PNGs of class ids, and use the format index-png'
_NO_PIXELS = 'boxes do not say which pixels are of a class'
_NUMBER = r'[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?'
_YOLO = re.compile(rf'\d+(?:\s+{_NUMBER}){{4,}}\s*')
_BOX_COLUMNS = {'filename', 'class', 'xmin', 'ymin', 'xmax', 'ymax'}


@dataclass(frozen=True)
class Convention:
    """What files of a convention look like.

    Attributes:
        name: of the convention, with the tool that writes it.
        matches: whether content is of the convention.
        remedy: what to do with such a file.
        format: name of the reader of it, if there is one.
    """

    name: str
    matches: Callable[[Any], bool]
    remedy: str = ''
    format: str = ''


def foreign(path: Path, name: str) -> str | None:
    """Says which other convention a file, or files of a folder, follow.

    Args:
        path: the file or the folder, which a reader could not read.
        name: format of that reader.

    Returns:
        A sentence with the remedy; None if the convention is unknown, or a
        file is of the one that the reader reads.
    """
    files = [path]
    if path.is_dir():
        listed = list_files(path)
        known = (p for p in listed if p.suffix.lower() in _SUFFIXES)
        files = islice(known, _FILES)
    others = []
    for file in files:
        try:
            found = _recognise(file)
        except OSError:
            continue
        if found and found.format == name:
            return None
        if found:
            others.append((file, found))
    if not others:
        return None
    file, found = others[0]
    remedy = found.remedy or f'use the format {found.format}'
    return (
        f'{file} looks like {found.name}, expected the format {name}; '
        f'{remedy}.'
    )


def _recognise(path: Path) -> Convention | None:
    with path.open('rb') as file:
        head = file.read(512).removeprefix(b'\xef\xbb\xbf').lstrip()
    try:
        if head.startswith(b'<'):
            return _first(XML, read_xml(path))
        if head.startswith((b'{', b'[')):
            return _first(JSON, _read_json(path))
        if head.startswith((b'MATLAB', b'\x93NUMPY')):
            return _first(BYTES, head)
        if b'\0' in head:
            return None
        text = path.read_text(encoding='utf-8-sig')
        return _first(TEXT, [line for line in text.splitlines() if line])
    except ValueError:
        return None


def _read_json(path: Path) -> Any:
    """A JSON value, or the list of those that have a line each."""
    try:
        return read_json(path)
    except ValueError:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except RecursionError as error:
            raise ValueError(f'{path} is nested too deeply') from error


def _first(
    conventions: Iterable[Convention], content: Any
) -> Convention | None:
    return next((c for c in conventions if c.matches(content)), None)


def _has(*keys: str) -> Callable[[Any], bool]:
    """Whether content is an object with these keys."""
    return lambda value: isinstance(value, dict) and {*keys} <= {*value}


def _each(has: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether content is a list, and its first value matches."""
    return lambda value: isinstance(value, list) and has((value or [None])[0])


def _any_value(has: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether content is an object, and its first value matches."""
    return lambda value: (
        isinstance(value, dict) and has(next(iter(value.values()), None))
    )


def _either(*tests: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(test(value) for test in tests)


def _geojson(value: Any) -> bool:
    kinds = ('Feature', 'FeatureCollection', 'GeometryCollection')
    if isinstance(value, list):
        value = (value or [None])[0]
    return isinstance(value, dict) and value.get('type') in kinds


def _panoptic(value: Any) -> bool:
    return _has('annotations')(value) and _each(_has('segments_info'))(
        value['annotations']
    )


def _element(tag: str, path: str = '.') -> Callable[[Element], bool]:
    """Whether the root has a tag, and an element at a path."""
    return lambda root: root.tag == tag and root.find(path) is not None


JSON = (
    Convention(
        'a project of the VGG Image Annotator (VIA)',
        _either(
            _has('_via_img_metadata'),
            _has('file', 'metadata', 'view', 'attribute'),
            _any_value(_has('filename', 'regions')),
        ),
        f'in VIA, {_AS_COCO}',
    ),
    Convention(
        'an export of Label Studio',
        _either(
            _each(_has('data', 'annotations')),
            _each(_has('data', 'completions')),
            _each(_has('annotation_id', 'annotator')),
            _has('result', 'task'),
        ),
        f'in Label Studio, {_AS_COCO}',
    ),
    Convention(
        'GeoJSON',
        _geojson,
        'rasterise it to PNGs of class ids, as gdal_rasterize does, and use '
        'the format index-png',
    ),
    Convention(
        'an annotation of Supervisely',
        _either(
            _has('objects', 'size'),
            _each(_has('classTitle')),
            lambda value: (
                _has('classes')(value)
                and _each(_has('title'))(value['classes'])
            ),
        ),
        f'in Supervisely, {_AS_COCO}; or export its masks of class ids, and '
        'use the format index-png',
    ),
    Convention(
        'COCO panoptic',
        _panoptic,
        'convert it with panoptic2semantic_segmentation.py of panopticapi, '
        'and use the format index-png',
    ),
    Convention('COCO', _has('images', 'annotations'), format='coco'),
    Convention(
        'results of COCO detection',
        _each(_has('image_id', 'category_id')),
        'join them with the images and categories of their annotation file, '
        'as loadRes of pycocotools does, and use the format coco',
    ),
    Convention(
        "predictions of Roboflow's models",
        _has('predictions', 'image'),
        f'in Roboflow, {_AS_COCO}',
    ),
    Convention(
        'boxes of Roboflow',
        _has('boxes', 'key'),
        f'{_NO_PIXELS}; draw masks, and {_AS_COCO}',
    ),
    Convention(
        'boxes of CreateML, as Roboflow exports them',
        _each(_has('image', 'annotations')),
        f'{_NO_PIXELS}; draw masks, and {_AS_COCO}',
    ),
    Convention(
        'Darwin JSON of V7',
        _either(_has('item', 'annotations'), _has('image', 'annotations')),
        'convert it to COCO with `darwin convert` of darwin-py, and use the '
        'format coco',
    ),
    Convention(
        'an export of Labelbox',
        _either(
            _each(_has('data_row')),
            _has('data_row'),
            _each(_has('Labeled Data')),
        ),
        f'download the masks that it links to; {_AS_PNG}',
    ),
    Convention(
        'Scalabel or BDD100K',
        _either(
            _each(_has('name', 'labels')),
            lambda value: (
                _has('frames')(value) and _each(_has('name'))(value['frames'])
            ),
        ),
        'convert it with bdd100k.label.to_mask, and use the format index-png',
    ),
    Convention(
        'an annotation of SuperAnnotate',
        _has('metadata', 'instances'),
        f'in SuperAnnotate, {_AS_COCO}',
    ),
    Convention('LabelMe', _has('shapes'), format='labelme'),
    Convention(
        'polygons of Cityscapes',
        _has('imgHeight', 'objects'),
        'use the format cityscapes-coarse and its source polygons',
        format='cityscapes-coarse',
    ),
    Convention(
        "What's the Point",
        _any_value(_each(_has('x', 'y', 'cls'))),
        format='whats-the-point',
    ),
)
XML = (
    Convention(
        "XML of LabelMe's web tool",
        _element('annotation', 'object/polygon'),
        'import it into CVAT as LabelMe 3.0, export it as CVAT for images '
        '1.1, and use the format cvat',
    ),
    Convention(
        'XML of Pascal VOC detection',
        _element('annotation', 'object'),
        f'{_NO_PIXELS}; draw scribbles or masks, or use the PNGs of VOC '
        'itself (SegmentationClass) with the format index-png',
    ),
    Convention(
        'ScribbleSup',
        _element('annotation', 'polygon'),
        format='scribblesup',
    ),
    Convention(
        'CVAT for images',
        _either(
            _element('annotations', 'image'), _element('annotations', 'meta')
        ),
        format='cvat',
    ),
)
BYTES = (
    Convention(
        'a MATLAB file (.mat)',
        lambda head: head.startswith(b'MATLAB'),
        f'read it with scipy.io.loadmat, or h5py from version 7.3 on; '
        f'{_AS_PNG}',
    ),
    Convention('a NumPy array (.npy)', lambda head: True, _AS_PNG),
)
TEXT = (
    Convention(
        'YOLO',
        lambda lines: bool(lines) and all(map(_YOLO.fullmatch, lines)),
        f'in the tool that wrote it, {_AS_COCO}; {_NO_PIXELS}, only polygons '
        'and masks do',
    ),
    Convention(
        'CSV of the VGG Image Annotator (VIA)',
        lambda lines: 'region_shape_attributes' in (lines or [''])[0],
        f'in VIA, {_AS_COCO}',
    ),
    Convention(
        'CSV of boxes, as Roboflow and TensorFlow write it',
        lambda lines: _BOX_COLUMNS.issubset((lines or [''])[0].split(',')),
        f'{_NO_PIXELS}; draw masks, and {_AS_COCO}',
    ),
)
