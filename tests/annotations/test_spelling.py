"""Names of classes whose accents files and options spell in two ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.annotations import READERS, convert
from mmseg_sesam.annotations.export import export
from mmseg_sesam.annotations.writer import WRITERS
from mmseg_sesam.io.class_shares import count_classified
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.start.detect import open_reader

# The accent within its letter, and after it.
NFC, NFD = 'Geb\u00e4ude', 'Geba\u0308ude'
LEFT, RIGHT = ([[x, 0], [x + 2, 0], [x + 2, 5], [x, 5]] for x in (0, 5))


def labelme(write: Callable[..., Path]) -> Path:
    for name, label in dict(a=NFC, b=NFD).items():
        shapes = [
            dict(label=label, points=LEFT),
            dict(label='tree', points=RIGHT),
        ]
        content = dict(imageWidth=8, imageHeight=6, shapes=shapes)
        path = write(f'{name}.json', content)
    return path.parent


def coco(write: Callable[..., Path]) -> Path:
    names = [NFC, NFD, 'tree']
    shapes = [(0, 0, LEFT), (0, 2, RIGHT), (1, 1, LEFT), (1, 2, RIGHT)]
    record = dict(
        images=[
            dict(id=i, file_name=f'{name}.jpg', width=8, height=6)
            for i, name in enumerate('ab')
        ],
        categories=[dict(id=i, name=name) for i, name in enumerate(names)],
        annotations=[
            dict(
                image_id=image,
                category_id=category,
                segmentation=[np.ravel(corners).tolist()],
            )
            for image, category, corners in shapes
        ],
    )
    return write('coco.json', record)


def cvat(write: Callable[..., Path]) -> Path:
    labels = ''.join(
        f'<label><name>{name}</name><color>#804080</color></label>'
        for name in (NFC, NFD, 'tree')
    )
    images = ''
    for name, label in dict(a=NFC, b=NFD).items():
        shapes = ''
        for text, corners in ((label, LEFT), ('tree', RIGHT)):
            points = ';'.join(f'{x},{y}' for x, y in corners)
            shapes += f'<polygon label="{text}" points="{points}"/>'
        images += f'<image name="{name}.jpg" width="8" height="6">{shapes}'
        images += '</image>'
    return write(
        'annotations.xml',
        '<annotations><meta><task><labels>'
        f'{labels}</labels></task></meta>{images}</annotations>',
    )


def label_studio(write: Callable[..., Path]) -> Path:
    tasks = []
    for name, label in dict(a=NFC, b=NFD).items():
        results = [
            dict(
                type='polygonlabels',
                original_width=8,
                original_height=6,
                value=dict(
                    points=[[100 * x / 8, 100 * y / 6] for x, y in corners],
                    polygonlabels=[text],
                ),
            )
            for text, corners in ((label, LEFT), ('tree', RIGHT))
        ]
        data = dict(image=f'{name}.jpg')
        tasks.append(dict(data=data, annotations=[dict(result=results)]))
    return write('project.json', tasks)


FORMATS = {
    'labelme': labelme,
    'coco': coco,
    'cvat': cvat,
    'label-studio': label_studio,
}


@pytest.mark.parametrize('name', FORMATS)
def test_two_spellings_in_files_are_one_class(
    name: str, write: Callable[..., Path], tmp_path: Path, out: Path
) -> None:
    src = FORMATS[name](write)
    for key in 'ab':
        Image.new('L', (8, 6)).save(tmp_path / f'{key}.jpg')
    reader = open_reader(name, src, tmp_path)
    assert reader.names == (NFC, 'tree')
    convert(reader, out)
    first, second = (read_label(out / f'{key}.png') for key in 'ab')
    assert first[2, [1, 6]].tolist() == [0, 1]
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize('spelled', [NFC, NFD])
def test_options_may_spell_a_class_in_either_way(
    labels: Callable[..., Any], write: Callable[..., Path], spelled: str
) -> None:
    src = labelme(write)
    found = labels('labelme', src, classes=['tree', spelled], undrawn=spelled)
    np.testing.assert_array_equal(found['a'], found['b'])
    assert found['a'][1, 1] == found['a'][1, 4] == 1
    assert found['a'][1, 6] == 0


@pytest.mark.parametrize('spelled', [NFC, NFD])
def test_unlabelled_may_spell_a_label_in_either_way(
    labels: Callable[..., Any], write: Callable[..., Path], spelled: str
) -> None:
    src = labelme(write)
    found = labels('labelme', src, classes=['tree'], unlabelled=[spelled])
    assert found['a'][1, 1] == found['b'][1, 1] == 255


def test_classes_refuse_two_spellings_of_one_class(
    write: Callable[..., Path],
) -> None:
    with pytest.raises(ValueError, match='more than once'):
        READERS['labelme'](labelme(write), classes=[NFC, NFD])


def test_second_call_may_spell_a_class_in_the_other_way(
    labels: Callable[..., Any], write: Callable[..., Path]
) -> None:
    src = labelme(write)
    first = labels('labelme', src, classes=[NFC, 'tree'])
    second = labels('labelme', src, classes=[NFD, 'tree'])
    np.testing.assert_array_equal(first['a'], second['a'])


def test_index_png_map_and_color_table_spell_alike(
    labels: Callable[..., Any], write: Callable[..., Path], tmp_path: Path
) -> None:
    src = write('a.png', np.array([[1, 2]], np.uint8)).parent
    reader = READERS['index-png'](
        src, classes=[NFC, 'tree'], map=[f'1={NFD}', '2=tree']
    )
    assert reader.table == {1: 0, 2: 1}

    colours = np.array([[[9, 0, 0], [0, 9, 0], [0, 0, 9]]], np.uint8)
    write('a.png', colours)
    table = tmp_path / 'table.txt'
    table.write_text(f'{NFC} 9,0,0\n{NFD} 0,9,0\ntree 0,0,9\n')
    found = labels('color-png', src, colors=str(table))
    assert found['a'].tolist() == [[0, 0, 1]]


@pytest.mark.parametrize('format', sorted(WRITERS))
def test_export_of_either_spelling_is_read_back(
    format: str, tmp_path: Path, out: Path
) -> None:
    image, src = tmp_path / 'images/a.png', tmp_path / 'exported'
    image.parent.mkdir()
    Image.new('L', (8, 6)).save(image)
    label = np.repeat([[0, 0, 0, 255, 255, 1, 1, 1]], 6, 0).astype(np.uint8)
    files = export(
        *([image], [label], src, format, 0),
        classes=[NFD, 'tree'],
        root=image.parent,
    )
    read = dict(predictions='read') if format == 'label-studio' else {}
    reader = READERS[format](
        src if format == 'labelme' else files[0],
        images=image.parent,
        classes=[NFC, 'tree'],
        **read,
    )
    convert(reader, out)
    np.testing.assert_array_equal(read_label(out / 'a.png'), label)
    summary = json.loads((out / 'summary.json').read_text())
    assert [one['name'] for one in summary['classes']] == [NFC, 'tree']


@pytest.mark.parametrize('names', [[NFC, 'tree'], [NFD, 'tree']])
def test_count_classified_takes_either_spelling(
    tmp_path: Path, names: list[str]
) -> None:
    path = tmp_path / 'pixels.csv'
    path.write_text(f'image,x,y,class\na,0,0,{NFC}\na,1,0,{NFD}\na,2,0,tree\n')
    counts, _ = count_classified(path, names)
    assert counts.tolist() == [2, 1]
