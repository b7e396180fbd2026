"""Files of every format, damaged in any way.

Each is either converted or refused with one sentence that names it, and
what is written then is completed by the next run.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brushes import encode_brush
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmseg_sesam.annotations import READERS, AnnotationReader, convert

LABEL = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3


def png(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, 'png')
    return buffer.getvalue()


def studio(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    kind += 'labels'
    size = dict(original_width=8, original_height=6)
    return dict(type=kind, value={**value, kind: ['a']}, **size)


SQUARE = [[1, 1], [5, 1], [5, 4], [1, 4]]
RECTANGLE = dict(x=5, y=5, width=20, height=30)
BITMASK = (
    'data:image/png;base64,'
    + base64.b64encode(png(np.stack([LABEL * 0, LABEL], -1))).decode()
)
VERTICES = [
    dict(id='a', x=5, y=5, prevPointId=None, isBezier=False),
    dict(id='b', x=50, y=50, prevPointId='a', isBezier=False),
]
JSON = {
    'whats-the-point': (
        dict(size=(8, 6)),
        'x.json',
        {'a': [dict(x=1.5, y=2, rank=1, cls=3)], 'b': []},
    ),
    'cityscapes-coarse': (
        dict(source='polygons'),
        'a_polygons.json',
        dict(
            imgWidth=8,
            imgHeight=6,
            objects=[dict(label='car', polygon=SQUARE)],
        ),
    ),
    'labelme': (
        dict(classes=['a', 'b']),
        'x.json',
        dict(
            imageWidth=8,
            imageHeight=6,
            shapes=[
                dict(label='a', shape_type='polygon', points=SQUARE),
                dict(label='b', shape_type='circle', points=SQUARE[:2]),
                dict(
                    label='a',
                    shape_type='mask',
                    points=SQUARE[:1],
                    mask=base64.b64encode(png(LABEL)).decode(),
                ),
            ],
        ),
    ),
    'label-studio': (
        dict(classes=['a', 'b'], boxes='fill'),
        'x.json',
        [
            dict(
                data=dict(image='/data/upload/1/1f2e3d4c-a.jpg'),
                annotations=[
                    dict(
                        result=[
                            studio('polygon', dict(points=SQUARE)),
                            studio('keypoint', dict(x=5, y=50)),
                            studio('rectangle', dict(RECTANGLE, rotation=5)),
                            studio('brush', dict(rle=encode_brush(LABEL > 1))),
                            studio('bitmask', dict(imageDataURL=BITMASK)),
                            studio('vector', dict(vertices=VERTICES)),
                        ]
                    )
                ],
            )
        ],
    ),
    'coco': (
        {},
        'x.json',
        dict(
            images=[dict(id=1, file_name='a.jpg', width=8, height=6)],
            categories=[dict(id=1, name='a')],
            annotations=[
                dict(
                    image_id=1,
                    category_id=1,
                    segmentation=[[1, 1, 5, 1, 5, 4]],
                ),
                dict(
                    image_id=1,
                    category_id=1,
                    segmentation=dict(size=[6, 8], counts=[7, 5, 36]),
                ),
                dict(
                    image_id=1,
                    category_id=1,
                    segmentation=[[1, 1, 5, 1, 5, 4, 1, 4]],
                    bbox=[1, 1, 4, 3],
                    keypoints=[2, 2, 2],
                ),
            ],
        ),
    ),
}
POINTS = '1,1;5,1;5,4'
XML = {
    'scribblesup': (
        dict(size=(8, 6)),
        'x.xml',
        '<annotation><polygon><tag>cat</tag><point><X>1</X><Y>2</Y></point>'
        '<point><X>5</X><Y>2</Y></point></polygon></annotation>',
    ),
    'cvat': (
        {},
        'x.xml',
        '<annotations><meta><task><labels><label><name>a</name>'
        '<color>#fa3253</color></label></labels></task></meta>'
        '<image name="a.jpg" width="8" height="6">'
        f'<polyline label="a" points="{POINTS}" z_order="1"/>'
        f'<polygon label="a" points="{POINTS}" z_order="0"/>'
        '<box label="a" xtl="1" ytl="1" xbr="3" ybr="3" rotation="5.0"/>'
        '<mask label="a" rle="1, 2, 1" left="1" top="2" width="2" '
        'height="2"/></image></annotations>',
    ),
}
IMAGES = {
    'index-png': ({}, 'x.png', png(LABEL)),
    'ade20k': ({}, 'x.png', png(LABEL)),
    'scribbles4all': (
        dict(values='ids'),
        'x.png',
        png(np.stack([LABEL] * 3, -1)),
    ),
    'color-png': (dict(colors='voc'), 'x.png', png(LABEL * 0)),
}
FILES = {
    **{k: (s, n, json.dumps(c).encode()) for k, (s, n, c) in JSON.items()},
    **{k: (s, n, c.encode()) for k, (s, n, c) in XML.items()},
    **IMAGES,
}
STRANGE = st.sampled_from(
    [None, True, -1, 0, 1e308, float('nan'), float('inf'), 10**400, '', 'x']
    + ['../../a', '/a', 'NaN', '1e308', [], {}, [[]], [None], {'a': 1}]
    + ['9' * 5000, '\0', [[1e308, 1]], [[[1, 2]]], -(2**63), 2**64]
)
# What each text of an XML file may be replaced with.
TEXTS = st.sampled_from(
    ['', 'x', '-1', '1e308', 'NaN', 'inf', '../../a', '/a', '9' * 5000, ',;']
    + ['&#10;', '1,1;1', '&lt;', '1;1', '0, 0', '99999999', ' ', '\u0660']
)


_OPTION = re.compile('--[a-z]+')


def check(name: str, damaged: bytes) -> None:
    """The one sentence, and the next run."""
    settings, file, whole = FILES[name]
    with tempfile.TemporaryDirectory() as folder:
        src, out = Path(folder, 'src'), Path(folder, 'out')
        src.mkdir()
        path = src / file
        path.write_bytes(damaged)
        source = src if name == 'cityscapes-coarse' else path
        try:
            convert(READERS[name](source, **settings), out)
        except (ValueError, OSError) as error:
            # Of a file that holds many images, a sentence for each of them.
            for said in str(error).split('\n'):
                assert file in said
                assert len(said) < 1000
                assert {*_OPTION.findall(said)} <= options(name)
            assert not (out / 'summary.json').exists()
        assert {*os.listdir(folder)} <= {'src', 'out'}
        assert os.listdir(src) == [file]
        if not (out / 'summary.json').exists():
            path.write_bytes(whole)
            # However coarse the clock of the file system is.
            os.utime(path, ns=(1, 1))
            complete(READERS[name](source, **settings), out)


def options(name: str) -> set[str]:
    """Options of a format, as errors name them."""
    return {f'--{f.name}' for f in fields(READERS[name]) if f.metadata}


def complete(reader: AnnotationReader, out: Path) -> None:
    """The whole file after the damaged one, to the same folder."""
    fresh = out.with_name('fresh')
    convert(reader, fresh)
    if {*labels(out)} <= {*labels(fresh)}:
        convert(reader, out)
        assert labels(out) == labels(fresh)
    else:
        # The damage gave an image another name.
        with pytest.raises(ValueError, match='annotations that are gone'):
            convert(reader, out)


def labels(folder: Path) -> dict[Path, bytes]:
    """All label files, by their path within the folder."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob('*.png')
    }


def nodes(value: Any, path: tuple = ()) -> list[tuple]:
    """Paths of all values within a JSON value."""
    found = [path] if path else []
    if isinstance(value, (dict, list)):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            found += nodes(value[key], (*path, key))
    return found


def replaced(value: Any, path: tuple, new: Any) -> Any:
    """A copy in which the value at a path is another one."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize('name', FILES)
def test_convert_whole_files(name):
    settings, file, whole = FILES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'src', file)
        path.parent.mkdir()
        path.write_bytes(whole)
        summary = convert(READERS[name](path, **settings), Path(folder, 'out'))
    assert summary['labelled'] > 0


@pytest.mark.parametrize('name', FILES)
@settings(max_examples=25)
@given(data=st.data())
def test_convert_truncated_files(name, data):
    whole = FILES[name][2]
    check(name, whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize('name', FILES)
@settings(max_examples=25)
@given(data=st.data())
def test_convert_files_with_replaced_bytes(name, data):
    damaged = bytearray(FILES[name][2])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    check(name, bytes(damaged))


@pytest.mark.parametrize('name', JSON)
@settings(max_examples=50)
@given(data=st.data())
def test_convert_json_with_replaced_values(name, data):
    content = JSON[name][2]
    path = data.draw(st.sampled_from(nodes(content)))
    damaged = replaced(content, path, data.draw(STRANGE))
    check(name, json.dumps(damaged).encode())


@pytest.mark.parametrize('name', XML)
@settings(max_examples=50)
@given(data=st.data())
def test_convert_xml_with_replaced_texts(name, data):
    pattern = re.compile('"[^"]*"|(?<=>)[^<>]+(?=<)')
    content = XML[name][2]
    place = data.draw(st.sampled_from([*pattern.finditer(content)]))
    text = data.draw(TEXTS)
    if place[0].startswith('"'):
        text = f'"{text}"'
    damaged = content[: place.start()] + text + content[place.end() :]
    check(name, damaged.encode())


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('other', FILES)
def test_convert_a_file_of_another_format(name, other):
    check(name, FILES[other][2])


def test_convert_a_renamed_and_a_damaged_image():
    content = JSON['whats-the-point'][2]
    damaged = {' ': content['a'], 'b': 1}
    check('whats-the-point', json.dumps(damaged).encode())


def test_convert_a_long_name_of_a_class():
    _, _, whole = FILES['cvat']
    check('cvat', whole.replace(b'<name>a<', b'<name>' + b'9' * 5000 + b'<'))


@pytest.mark.parametrize('name', XML)
def test_convert_refuses_entities(name, tmp_path):
    settings, file, content = XML[name]
    path = tmp_path / 'src' / file
    path.parent.mkdir()
    content = content.replace('</', '&e;</', 1)
    path.write_text(f'<!DOCTYPE x [<!ENTITY e "">]>{content}')
    with pytest.raises(ValueError, match='cannot be read as XML'):
        convert(READERS[name](path, **settings), tmp_path / 'out')


@pytest.mark.parametrize('name', XML)
def test_convert_entity_bombs(name):
    levels = ''.join(
        f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9)
    )
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "e">{levels}]>'
    content = XML[name][2].replace('</', '&e9;</', 1)
    check(name, (bomb + content).encode())
