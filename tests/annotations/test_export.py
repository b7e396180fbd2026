"""Label maps as polygons, and back through the readers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from scipy.ndimage import distance_transform_edt

from mmseg_sesam.annotations import READERS, convert
from mmseg_sesam.annotations.export import export
from mmseg_sesam.annotations.writer import WRITERS
from mmseg_sesam.io.labels import read_label

CLASSES = [f'class {index}' for index in range(30)]
SETTINGS = {'label-studio': dict(predictions='read')}
LABELS = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([0, 1, 2, 255]),
)


def back(folder, label, format, tolerance, **options):
    """The label after it was written and read."""
    image = folder / 'images/town/a.png'
    image.parent.mkdir(parents=True)
    Image.new('L', label.shape[::-1]).save(image)
    src, root = folder / 'src', folder / 'images'
    options = dict(classes=CLASSES, root=root, **options)
    files = export([image], [label], src, format, tolerance, **options)
    assert {*files} == {path for path in src.rglob('*') if path.is_file()}
    source = src if format == 'labelme' else files[0]
    reader = READERS[format](
        source, classes=CLASSES, images=root, **SETTINGS.get(format, {})
    )
    convert(reader, folder / 'out')
    return read_label(folder / 'out/town/a.png')


def depth(label):
    """Distance of each pixel to the next one of another value."""
    far = np.full(label.shape, np.inf)
    for value in np.unique(label)[: len(np.unique(label))]:
        inside = label == value
        if not inside.all():
            far[inside] = distance_transform_edt(inside)[inside]
    return far


def check_within(found, label, tolerance):
    """Pixels that changed lie near an edge; drawing rounds to a pixel."""
    changed = found != label
    assert depth(label)[changed].max(initial=0) <= tolerance + 1


@pytest.mark.parametrize('tolerance', [0, 1, 3])
@pytest.mark.parametrize('format', sorted(WRITERS))
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.filter_too_much],
)
@given(label=LABELS)
def test_export_of_any_label_is_read_back(format, tolerance, label):
    assume((label != 255).any())
    with tempfile.TemporaryDirectory() as folder:
        found = back(Path(folder), label, format, tolerance)
    if tolerance:
        check_within(found, label, tolerance)
    else:
        np.testing.assert_array_equal(found, label)


@pytest.mark.parametrize('format', sorted(WRITERS))
def test_export_of_real_labels_is_read_back(shared_data, tmp_path, format):
    folder = shared_data / 'camvid/annotations/train'
    paths = sorted(folder.glob('*.png'))[:1]
    paths += sorted(shared_data.glob('voc_mini/SegmentationClass/*.png'))[:1]
    if not paths:
        pytest.skip(f'{shared_data} has no dense labels')
    for index, path in enumerate(paths):
        label = read_label(path)
        found = back(tmp_path / str(index), label, format, 1.0)
        check_within(found, label, 1)
        # Slivers between outlines and moved edges (measured: 1 to 2%).
        assert (found != label).mean() < 0.04


@pytest.mark.parametrize('format', sorted(WRITERS))
def test_export_keeps_holes(tmp_path, format):
    label = np.zeros((40, 40), np.uint8)
    label[5:35, 5:35] = 1
    label[10:30, 10:30] = 255
    label[15:25, 15:25] = 2
    label[18:22, 18:22] = 0
    found = back(tmp_path, label, format, 1.5)
    np.testing.assert_array_equal(found, label)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'images/a b.jpg'
    path.parent.mkdir()
    Image.new('RGB', (8, 6)).save(path)
    return path


RING = np.zeros((6, 8), np.uint8)
RING[2:4, 2:5] = 255


def test_export_labelme_points_to_the_image(tmp_path, image):
    (path,) = export(
        [image], [RING], tmp_path / 'out', 'labelme', classes=['cat']
    )
    record = json.loads(path.read_text())
    assert path == tmp_path / 'out/a b.json'
    assert record['imagePath'] == '../images/a b.jpg'
    assert [s['label'] for s in record['shapes']] == ['cat', '__ignore__']


def test_export_labelme_behind_a_link_points_to_the_image(tmp_path, image):
    (tmp_path / 'disk/of/labels').mkdir(parents=True)
    (tmp_path / 'link').symlink_to('disk/of/labels')
    (path,) = export(
        [image], [RING], tmp_path / 'link', 'labelme', classes=['cat']
    )
    place = json.loads(path.read_text())['imagePath']
    assert (path.parent / place).samefile(image)


def test_export_cvat_declares_all_labels(tmp_path, image):
    options = dict(classes=['cat'], palette=[[255, 0, 16]])
    (path,) = export([image], [RING], tmp_path / 'out', 'cvat', **options)
    root = ElementTree.parse(path).getroot()
    labels = root.iterfind('meta/task/labels/label')
    found = {
        label.findtext('name'): label.findtext('color') for label in labels
    }
    assert found == {'cat': '#ff0010', '__ignore__': '#808080'}
    assert root.find('image').get('name') == 'a b.jpg'
    # CVAT takes a small one for the number of a photo of the task.
    assert int(root.find('image').get('id')) >= 10**9
    assert [p.get('z_order') for p in root.iter('polygon')] == ['0', '1']


def test_export_gives_unlabelled_shapes_a_colour_of_their_own(tmp_path, image):
    classes = ['car', 'road', 'sky']
    greys = [[128] * 3, [192] * 3, [64] * 3]
    _, config = export(
        *([image], [RING], tmp_path / 'out', 'label-studio'),
        classes=classes,
        palette=greys,
    )
    labels = [*ElementTree.parse(config).iter('Label')]
    assert [label.get('value') for label in labels] == [*classes, '__ignore__']
    assert len({label.get('background') for label in labels}) == 4


def test_export_coco_counts_the_area_without_holes(tmp_path, image):
    (path,) = export(
        [image], [RING], tmp_path / 'out', 'coco', 0, classes=['cat']
    )
    (entry,) = json.loads(path.read_text())['annotations']
    # Corners lie a quarter of a pixel inside.
    assert entry['area'] == 7.5 * 5.5 - 3.5 * 2.5
    assert entry['bbox'] == [0.25, 0.25, 7.5, 5.5]


@pytest.mark.parametrize(
    'prefix, address',
    [
        (None, '/data/local-files/?d=images/a%20b.jpg'),
        ('https://x/', 'https://x/a%20b.jpg'),
        ('s3://x/', 's3://x/a b.jpg'),
        ('photos/', 'photos/a b.jpg'),
    ],
)
def test_export_label_studio_addresses(tmp_path, image, prefix, address):
    out = tmp_path / 'out'
    tasks, config = export(
        [image], [RING], out, 'label-studio', classes=['cat'], prefix=prefix
    )
    (task,) = json.loads(tasks.read_text())
    assert task['data'] == dict(image=address)
    assert task['annotations'] == []
    values = [e.get('value') for e in ElementTree.parse(config).iter('Label')]
    assert values == ['cat', '__ignore__']


@pytest.mark.parametrize('root', ['photos #1', '.'])
def test_export_label_studio_addresses_begin_with_the_folder(
    tmp_path, image, monkeypatch, root
):
    """Label Studio serves no file directly in its document root."""
    folder = image.parent.rename(tmp_path / 'photos #1')
    monkeypatch.chdir(folder if root == '.' else tmp_path)
    tasks, _ = export(
        *([Path(root, image.name)], [RING], tmp_path / 'out'),
        *('label-studio', 0),
        classes=['cat'],
        root=Path(root),
    )
    (task,) = json.loads(tasks.read_text())
    address = '/data/local-files/?d=photos%20%231/a%20b.jpg'
    assert task['data'] == dict(image=address)
    reader = READERS['label-studio'](
        tasks, classes=['cat'], images=folder, predictions='read'
    )
    convert(reader, tmp_path / 'back')
    found = read_label(tmp_path / 'back/a b.png')
    np.testing.assert_array_equal(found, RING)


def test_export_refuses_addresses_of_another_image(tmp_path, image):
    other = image.parent / image.parent.name / image.name
    other.parent.mkdir()
    other.write_bytes(image.read_bytes())
    images, labels = [image, other], [RING, RING]
    with pytest.raises(ValueError, match='rename this folder'):
        export(images, labels, tmp_path / 'a', 'label-studio', classes=['cat'])
    # Their shapes are told apart by whole names.
    assert export(images, labels, tmp_path / 'b', 'cvat', classes=['cat'])


@pytest.mark.parametrize(
    'label, format, options, said',
    [
        (RING, 'yolo', {}, 'format='),
        (RING, 'coco', dict(tolerance=-1), 'tolerance='),
        (RING, 'coco', dict(prefix='x'), 'prefix='),
        (RING, 'coco', dict(classes=['__ignore__']), '__ignore__'),
        (RING + 3, 'coco', {}, 'holds the values'),
        (RING[1:], 'coco', {}, '8 x 5 pixels'),
        (RING, 'coco', dict(root=Path('/nowhere')), 'outside of'),
    ],
)
def test_export_rejects_what_does_not_fit(
    tmp_path, image, label, format, options, said
):
    out = tmp_path / 'out'
    settings = dict(dict(classes=['cat']), **options)
    with pytest.raises(ValueError, match=said):
        export([image], [label], out, format, **settings)
    assert not [path for path in out.rglob('*') if path.is_file()]


@pytest.mark.parametrize('format', sorted(WRITERS))
def test_export_that_failed_midway_can_be_repeated(tmp_path, image, format):
    other = image.with_name('b.jpg')
    other.write_bytes(image.read_bytes())
    images, out = [image, other], tmp_path / 'out'
    with pytest.raises(ValueError, match='8 x 5 pixels'):
        export(images, [RING, RING[1:]], out, format, classes=['cat'])
    assert not [path for path in out.rglob('*') if path.is_file()]
    assert export(images, [RING, RING], out, format, classes=['cat'])


def test_export_overwrites_nothing(tmp_path, image):
    path = image.with_suffix('.json')
    path.write_text('mine')
    with pytest.raises(ValueError, match='shall not be overwritten'):
        export([image], [RING], image.parent, 'labelme', classes=['cat'])
    assert path.read_text() == 'mine'
