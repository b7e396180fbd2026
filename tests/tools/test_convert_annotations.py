"""Converting annotations from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import tifffile
from label_folders import state
from PIL import Image

from mmseg_sesam.annotations import READERS

NAMES = ['a', 'b', 'town/a', 'town/deep/c.v1']


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """LabelMe files of three shapes each, one of them beyond the image."""
    for index, name in enumerate(NAMES):
        path = tmp_path / f'src/{name}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        shapes = [
            dict(label='dog', shape_type='linestrip', points=[[2, 2], [9, 2]]),
            dict(label='cat', shape_type='point', points=[[5, 5 + index]]),
            dict(label='cat', shape_type='point', points=[[50, 5]]),
        ]
        path.write_text(
            json.dumps(dict(imageWidth=16, imageHeight=12, shapes=shapes))
        )
    return tmp_path / 'src'


@pytest.fixture
def tool(run_here) -> Callable[..., tuple[int, str]]:
    """Runs the tool; gives its exit code and what it says."""

    def convert(*words: object) -> tuple[int, str]:
        done = run_here('convert_annotations.py', *words, '--jobs=1')
        return done.returncode, done.stdout

    return convert


def test_convert_annotations_again_and_with_another_setting(
    run, tool, project_root: Path, src: Path, tmp_path: Path
) -> None:
    out, classes = tmp_path / 'out', tmp_path / 'classes.txt'
    classes.write_text('dog\ncat\n')
    command = ['labelme', src, out, '--width=1', '--radius=0']
    command += ['--classes', f'@{classes}']
    path = project_root / 'tools/convert_annotations.py'
    done = run(sys.executable, path, *command, '--jobs=2')
    assert done.returncode == 0, done.stdout
    assert '4 x point outside of the image, dropped' in done.stdout
    assert '4 weak labels, 4.69% of pixels' in done.stdout
    assert 'labelme: 4/4 [' in done.stdout
    with Image.open(out / 'town/deep/c.v1.png') as image:
        label = np.array(image)
        assert image.mode == 'P'
    assert (label[2, 2:10] == 0).all() and label[8, 5] == 1
    assert (label != 255).sum() == 9
    before = state(out)
    assert {*before} == {f'{name}.png' for name in NAMES} | {
        'summary.json',
        'conversion.jsonl',
    }
    code, said = tool(*command)
    assert code == 0 and '4 weak labels, 4.69% of pixels' in said
    assert state(out) == before
    code, said = tool(*command, '--width=3')
    assert code == 1 and 'convert_annotations: ' in said
    assert 'width=1' in said and 'width=3' in said
    assert state(out) == before


def test_convert_annotations_names_damaged_files(
    tool, src: Path, tmp_path: Path
) -> None:
    for name in ('a', 'town/a'):
        (src / f'{name}.json').write_text('{"shapes": [')
    out = tmp_path / 'out'
    command = ['labelme', src, out, '--classes', 'dog', 'cat']
    code, said = tool(*command)
    lines = [
        line
        for line in said.splitlines()
        if line.startswith('convert_annotations: ')
    ]
    assert code == 1 and len(lines) == 3
    assert str(src / 'a.json') in lines[0]
    assert str(src / 'town/a.json') in lines[1]
    assert '2 annotations are not converted' in lines[2]
    assert not (out / 'summary.json').exists()
    for name in ('a', 'town/a'):
        (src / f'{name}.json').write_bytes((src / 'b.json').read_bytes())
    assert tool(*command)[0] == 0
    assert json.loads((out / 'summary.json').read_text())['files'] == 4


@pytest.mark.parametrize('in_file', [False, True])
def test_convert_annotations_maps_values_below_zero(
    tool, tmp_path: Path, in_file: bool
) -> None:
    path = tmp_path / 'src/a.tif'
    path.parent.mkdir()
    tifffile.imwrite(path, np.array([[5, -1]], np.int16))
    out = tmp_path / 'out'
    words = ['-1=unlabelled', '5=0']
    if in_file:
        (tmp_path / 'map.txt').write_text('\n'.join(words))
        words = [f'@{tmp_path / "map.txt"}']
    words = ['--map', *words]
    code, said = tool('index-png', path.parent, out, *words)
    assert code == 0, said
    assert np.array(Image.open(out / 'a.png')).tolist() == [[0, 255]]


def test_convert_annotations_help_names_formats_and_options(tool) -> None:
    assert 'whats-the-point' in tool('--help')[1]
    said = tool('cvat', '--help')[1]
    for option in ('--classes', '--width', '--outside', '--images', '--jobs'):
        assert option in said


def test_convert_annotations_help_lists_options_of_each_format(tool) -> None:
    lines = tool('--help')[1].splitlines()
    options = {line.split()[0]: line for line in lines if ' --' in line}
    assert '--map' in options['index-png']
    assert '--unlabelled' not in options['ade20k']
    assert '--images' in options['ade20k']


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the examples of the formats name."""
    square = [[1, 1], [8, 1], [8, 8], [1, 8]]
    polygon = [value for point in square for value in point]
    texts = {
        'instances.json': dict(
            images=[dict(id=1, file_name='a.jpg', width=16, height=12)],
            categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
            annotations=[
                dict(image_id=1, category_id=1, segmentation=[polygon])
            ],
        ),
        'labels/a.json': dict(
            imageWidth=16,
            imageHeight=12,
            shapes=[dict(label='cat', shape_type='polygon', points=square)],
        ),
        'project.json': [
            dict(
                data=dict(image='a.jpg'),
                annotations=[
                    dict(
                        result=[
                            dict(
                                type='polygonlabels',
                                original_width=16,
                                original_height=12,
                                value=dict(
                                    points=[[10, 10], [50, 10], [50, 50]],
                                    polygonlabels=['cat'],
                                ),
                            )
                        ]
                    )
                ],
            )
        ],
        'voc_whats_the_point.json': {'a': [dict(x=9, y=9, cls=3)]},
        'voc_whats_the_point_bg_from_scribbles.json': {
            'a': [dict(x=2, y=2, cls=0)]
        },
        'labelmap.txt': 'background:0,0,0::\ncat:128,0,0::\n',
        'annotations.xml': '<annotations><image name="a.jpg" width="16" '
        'height="12"><polyline label="car" points="1,1;8,8"/></image>'
        '</annotations>',
        'scribbles/a.xml': '<annotation><polygon><tag>cat</tag><point>'
        '<X>2</X><Y>2</Y></point></polygon></annotation>',
    }
    for name, content in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if not isinstance(content, str):
            content = json.dumps(content)
        path.write_text(content)
    ids = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16) % 3
    # Ids of Cityscapes are classes from 7 on.
    images = {
        'JPEGImages/a.jpg': ids,
        'annotations/training/a.png': ids,
        'gtCoarse/a_gtCoarse_labelIds.png': ids + 7,
        'labels/a.png': ids,
        'renderings/a.png': np.zeros((12, 16, 3), np.uint8),
        'scribbles/a.png': np.stack([ids + 7] * 3, -1),
    }
    for name, image in images.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize('name', sorted(READERS))
def test_convert_annotations_help_has_an_example_that_runs(
    tool, sources: Path, name: str
) -> None:
    code, said = tool(name, '--help')
    (line,) = [
        line
        for line in said.splitlines()
        if 'convert_annotations.py' in line and line.startswith('  python')
    ]
    words = line.split()[2:]
    assert words[0] == name
    code, said = tool(*words)
    assert code == 0 and '1 weak labels' in said
    assert (sources / 'out/summary.json').is_file()


def test_convert_annotations_of_two_files_remarks_on_classes(
    tool, sources: Path
) -> None:
    first, second = sorted(sources.glob('voc_whats_the_point*.json'))
    size = ['--size', 16, 12]
    code, said = tool('whats-the-point', first, second, 'out', *size)
    assert code == 0 and 'Classes without a pixel, 19 of 21' in said
    assert 'bg_from_scribbles' not in said
    code, said = tool('whats-the-point', first, 'out2', *size)
    assert code == 0 and 'bg_from_scribbles' in said


@pytest.mark.parametrize(
    'words, said',
    [
        ([], 'FORMAT'),
        (['pascal', 'a', 'b'], "'pascal'"),
        (['scribbles4all', 'a', 'b'], '--values'),
        (['cvat', 'a', 'b', '--outside=keep'], "'keep'"),
    ],
)
def test_convert_annotations_rejects_other_arguments(
    tool, words: list[str], said: str
) -> None:
    code, found = tool(*words)
    assert code == 2 and said in found


def test_convert_annotations_rejects_a_missing_source(
    tool, tmp_path: Path
) -> None:
    code, said = tool('ade20k', tmp_path / 'nowhere', tmp_path / 'out')
    assert code == 1 and said.startswith('convert_annotations: ')
    assert 'nowhere does not exist' in said
    assert not (tmp_path / 'out').exists()


def test_convert_annotations_reads_class_lists_with_a_byte_order_mark(
    tool, src: Path, tmp_path: Path
) -> None:
    classes = tmp_path / 'classes.txt'
    classes.write_text('dog\r\ncat\r\n', encoding='utf-8-sig')
    code, said = tool(
        'labelme', src, tmp_path / 'out', '--classes', f'@{classes}'
    )
    assert code == 0, said
    summary = json.loads((tmp_path / 'out/summary.json').read_text())
    assert [c['name'] for c in summary['classes']] == ['dog', 'cat']


def test_convert_annotations_shows_a_table_and_omitted_things(
    tool, src: Path, tmp_path: Path
) -> None:
    shapes = [
        dict(label='dog', points=[[1, 1], [9, 1], [9, 9], [1, 9]]),
        dict(label='cat', points=[[0, 0], [9, 0], [9, 9], [0, 9]]),
        dict(label='cat', shape_type='rectangle', points=[[1, 1], [9, 9]]),
    ]
    content = dict(imageWidth=16, imageHeight=12, shapes=shapes)
    (src / 'b.json').write_text(json.dumps(content))
    (src / 'town/a.json').write_text(json.dumps(dict(content, shapes=[])))
    images = tmp_path / 'images'
    for name in (*NAMES, 'new'):
        path = images / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('L', (16, 12)).save(path)
    command = ['labelme', src, tmp_path / 'out', '--images', images]
    code, said = tool(*command, '--classes', 'dog', 'cat', 'cow')
    assert code == 0
    table = [line.split() for line in said.splitlines() if '|' in line]
    found = {row[3]: row[5:8:2] for row in table if row[1].isdigit()}
    assert found['cat'] == ['3', '15.36%'] and found['dog'][0] == '2'
    for line in (
        "Classes without a pixel, 1 of 3: 'cow'",
        '1 x annotation without a shape, such as',
        '1 x image without an annotation, such as new',
        '1 x shape completely covered by another class, such as',
        '1 x rectangle, which is no outline (see --boxes), skipped, such as',
        '2 x point outside of the image, dropped, such as',
    ):
        assert line in said


def test_convert_annotations_shows_a_shared_fault_a_few_times(
    tool, src: Path, tmp_path: Path
) -> None:
    for index in range(20):
        content = dict(shapes=[], imagePath=f'{index}.jpg')
        (src / f'{index}.json').write_text(json.dumps(content))
    (src / 'a.json').write_text('{')
    command = ['labelme', src, tmp_path / 'out', '--classes', 'dog', 'cat']
    code, said = tool(*command)
    assert code == 1 and said.count('no imageData') == 3
    assert 'The same holds for 17 other annotations.' in said
    assert 'a.json cannot be read as JSON' in said
    assert '21 annotations are not converted' in said


def test_reader_option_rejects_another_file(tool, tmp_path: Path) -> None:
    code, said = tool('--reader', tmp_path / 'x.txt', 'cvat', 'a', 'b')
    assert code == 1 and 'x.txt is no Python file' in said


@pytest.mark.parametrize('name', ['nothing.py', 'json.py'])
def test_reader_option_rejects_a_file_that_registers_no_format(
    tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr('sys.path', [*sys.path])
    (tmp_path / name).write_text('')
    code, said = tool('--reader', tmp_path / name, 'cvat', 'a', 'b')
    assert code == 1
    assert f'{name} registers no format' in said
