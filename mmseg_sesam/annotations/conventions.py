"""Recognises annotation files of formats other than the one asked for."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from mmseg_sesam.annotations.files import read_json, read_xml
from mmseg_sesam.io.listing import list_files

# Number of files of a folder that are looked at, with these suffixes.
_FILES = 20
_SUFFIXES = (
    *('.json', '.ndjson', '.jsonl', '.geojson', '.xml'),
    *('.txt', '.csv', '.mat', '.npy'),
)
_AS_COCO = 'export the same annotations as COCO, and use the format coco'
_AS_PNG = 'write its labels as PNGs of class ids, and use the format index-png'
_NO_PIXELS = 'boxes do not say which pixels are of a class'
_NUMBER = r'[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?'
_BOX_COLUMNS = ('filename', 'class', 'xmin', 'ymin', 'xmax', 'ymax')
# Key of a pattern that stands for the first key of an object.
_FIRST = object()


class Convention(NamedTuple):
    """The look of files of a convention.

    Attributes:
        name: name of the convention, with the tool that writes it.
        patterns: alternative patterns of the content. JSON, see `_fits`; XML,
            'root' or 'root/path/of/an/element'; text, a regular expression
            of the first line; bytes, the first ones.
        remedy: what to do with such a file.
        format: name of the reader of the convention, if there is one.
    """

    name: str
    patterns: tuple[Any, ...]
    remedy: str = ''
    format: str = ''


def foreign(path: Path, name: str) -> str | None:
    """Names the other convention that a file, or files of a folder, follow.

    Args:
        path: file or folder that a reader could not read.
        name: format of that reader.

    Returns:
        A sentence with the remedy; None if the convention is unknown, or a
        file has the format of the reader.
    """
    files = [path]
    if path.is_dir():
        files = islice(list_files(path, _SUFFIXES), _FILES)
    others = []
    for file in files:
        try:
            found = _recognise(file)
        except (OSError, ValueError):
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
    if head.startswith(b'<'):
        table, content, fits = XML, read_xml(path), _fits_xml
    elif head.startswith((b'{', b'[')):
        table, content, fits = JSON, _read_json(path), _fits
    elif b'\0' in head or head.startswith(b'MATLAB'):
        table, content, fits = BYTES, head, bytes.startswith
    else:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        table, content, fits = TEXT, [*filter(None, lines)], _fits_text
    for convention in table:
        if any(fits(content, pattern) for pattern in convention.patterns):
            return convention
    return None


def _read_json(path: Path) -> Any:
    """Returns a JSON value, or the list of the values of all lines."""
    try:
        return read_json(path)
    except ValueError:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except RecursionError as error:
            raise ValueError(f'{path} is nested too deeply') from error


def _fits(value: Any, pattern: Any) -> bool:
    """Returns whether a JSON value fits a pattern.

    A set fits an object with these keys, a dict an object whose values fit, a
    list of one pattern a list whose first value fits, and a string itself.
    """
    if isinstance(pattern, set):
        return isinstance(value, dict) and pattern <= {*value}
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            _fits(
                next(iter(value.values()), None)
                if key is _FIRST
                else value.get(key),
                part,
            )
            for key, part in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and any(
            _fits(first, pattern[0]) for first in value[:1]
        )
    return value == pattern


def _fits_xml(root: Any, pattern: str) -> bool:
    tag, _, path = pattern.partition('/')
    return root.tag == tag and root.find(path or '.') is not None


def _fits_text(lines: list[str], pattern: str) -> bool:
    """Returns whether the first line, or with $ each line, fits."""
    checked = lines if pattern.endswith('$') else lines[:1]
    return bool(lines) and all(re.match(pattern, line) for line in checked)


_GEOJSON = ('Feature', 'FeatureCollection', 'GeometryCollection')
JSON = (
    Convention(
        'a project of the VGG Image Annotator (VIA)',
        (
            {'_via_img_metadata'},
            {'file', 'metadata', 'view', 'attribute'},
            {_FIRST: {'filename', 'regions'}},
        ),
        f'in VIA, {_AS_COCO}',
    ),
    Convention(
        'an export of Label Studio',
        (
            [{'data', 'annotations'}],
            [{'data', 'completions'}],
            [{'annotation_id', 'annotator'}],
            {'result', 'task'},
        ),
        f'in Label Studio, {_AS_COCO}',
    ),
    Convention(
        'GeoJSON',
        tuple(
            pattern
            for kind in _GEOJSON
            for pattern in ({'type': kind}, [{'type': kind}])
        ),
        'rasterise it to PNGs of class ids, as gdal_rasterize does, and use '
        'the format index-png',
    ),
    Convention(
        'an annotation of Supervisely',
        ({'objects', 'size'}, [{'classTitle'}], {'classes': [{'title'}]}),
        f'in Supervisely, {_AS_COCO}; or export its masks of class ids, and '
        'use the format index-png',
    ),
    Convention(
        'COCO panoptic',
        ({'annotations': [{'segments_info'}]},),
        'convert it with panoptic2semantic_segmentation.py of panopticapi, '
        'and use the format index-png',
    ),
    Convention('COCO', ({'images', 'annotations'},), format='coco'),
    Convention(
        'results of COCO detection',
        ([{'image_id', 'category_id'}],),
        'join them with the images and categories of their annotation file, '
        'as loadRes of pycocotools does, and use the format coco',
    ),
    Convention(
        "predictions of Roboflow's models",
        ({'predictions', 'image'},),
        f'in Roboflow, {_AS_COCO}',
    ),
    Convention(
        'boxes of Roboflow',
        ({'boxes', 'key'},),
        f'{_NO_PIXELS}; draw masks, and {_AS_COCO}',
    ),
    Convention(
        'boxes of CreateML, as Roboflow exports them',
        ([{'image', 'annotations'}],),
        f'{_NO_PIXELS}; draw masks, and {_AS_COCO}',
    ),
    Convention(
        'Darwin JSON of V7',
        ({'item', 'annotations'}, {'image', 'annotations'}),
        'convert it to COCO with `darwin convert` of darwin-py, and use the '
        'format coco',
    ),
    Convention(
        'an export of Labelbox',
        ([{'data_row'}], {'data_row'}, [{'Labeled Data'}]),
        f'download the masks that it links to; {_AS_PNG}',
    ),
    Convention(
        'Scalabel or BDD100K',
        ([{'name', 'labels'}], {'frames': [{'name'}]}),
        'convert it with bdd100k.label.to_mask, and use the format index-png',
    ),
    Convention(
        'an annotation of SuperAnnotate',
        ({'metadata', 'instances'},),
        f'in SuperAnnotate, {_AS_COCO}',
    ),
    Convention('LabelMe', ({'shapes'},), format='labelme'),
    Convention(
        'polygons of Cityscapes',
        ({'imgHeight', 'objects'},),
        'use the format cityscapes-coarse and its source polygons',
        format='cityscapes-coarse',
    ),
    Convention(
        "What's the Point",
        ({_FIRST: [{'x', 'y', 'cls'}]},),
        format='whats-the-point',
    ),
)
XML = (
    Convention(
        "XML of LabelMe's web tool",
        ('annotation/object/polygon',),
        'import it into CVAT as LabelMe 3.0, export it as CVAT for images '
        '1.1, and use the format cvat',
    ),
    Convention(
        'XML of Pascal VOC detection',
        ('annotation/object',),
        f'{_NO_PIXELS}; draw scribbles or masks, or use the PNGs of VOC '
        'itself (SegmentationClass) with the format index-png',
    ),
    Convention('ScribbleSup', ('annotation/polygon',), format='scribblesup'),
    Convention(
        'CVAT for images',
        ('annotations/image', 'annotations/meta'),
        format='cvat',
    ),
)
BYTES = (
    Convention(
        'a MATLAB file (.mat)',
        (b'MATLAB',),
        'read it with scipy.io.loadmat, or h5py from version 7.3 on; '
        f'{_AS_PNG}',
    ),
    Convention('a NumPy array (.npy)', (b'\x93NUMPY',), _AS_PNG),
)
TEXT = (
    Convention(
        'YOLO',
        (rf'\d+(?:\s+{_NUMBER}){{4,}}\s*$',),
        f'in the tool that wrote it, {_AS_COCO}; {_NO_PIXELS}, only polygons '
        'and masks do',
    ),
    Convention(
        'CSV of the VGG Image Annotator (VIA)',
        ('.*region_shape_attributes',),
        f'in VIA, {_AS_COCO}',
    ),
    Convention(
        'CSV of boxes, as Roboflow and TensorFlow write it',
        (''.join(rf'(?=.*\b{column}\b)' for column in _BOX_COLUMNS),),
        f'{_NO_PIXELS}; draw masks, and {_AS_COCO}',
    ),
)
