"""Files of other conventions, given to each reader."""

from __future__ import annotations

import json
from zipfile import ZipFile

import numpy as np
import pytest

from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.conventions import foreign

BOX = dict(x=1, y=2, width=3, height=4)
REGION = dict(shape_attributes=dict(name='polygon'), region_attributes={})
VIA = {'a.jpg12': dict(filename='a.jpg', size=12, regions=[REGION])}
DETECTION = """<annotation><filename>a.jpg</filename><object><name>cat</name>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>
</object></annotation>"""
MIT = """<annotation><object><name>cat</name><polygon><pt><x>1</x><y>1</y></pt>
</polygon></object></annotation>"""
# Name of the file, content, and words of the error.
FILES = {
    'via': ('via.json', VIA, 'VGG Image Annotator'),
    'via project': (
        'via.json',
        dict(_via_settings={}, _via_img_metadata=VIA),
        'VGG Image Annotator',
    ),
    'via csv': (
        'via.csv',
        '#filename,file_size,region_shape_attributes\na.jpg,1,{}\n',
        'VGG Image Annotator',
    ),
    'label studio': (
        'project.json',
        [dict(id=1, image='a.jpg', annotation_id=1, annotator=1, label=[])],
        'not JSON-MIN',
    ),
    'geojson': (
        'a.geojson',
        dict(type='FeatureCollection', features=[]),
        'gdal_rasterize',
    ),
    'supervisely': (
        'a.jpg.json',
        dict(size=dict(height=4, width=6), objects=[dict(classTitle='cat')]),
        'Supervisely',
    ),
    'results': (
        'results.json',
        [dict(image_id=1, category_id=2, bbox=[1, 2, 3, 4], score=0.5)],
        'loadRes',
    ),
    'panoptic': (
        'panoptic.json',
        dict(
            images=[],
            categories=[],
            annotations=[dict(image_id=1, segments_info=[])],
        ),
        'panopticapi',
    ),
    'roboflow': (
        '_annotations.csv',
        'filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,6,4,a,1,1,2,2',
        'Roboflow',
    ),
    'roboflow predictions': (
        'a.json',
        dict(predictions=[BOX], image=dict(width=6, height=4)),
        'Roboflow',
    ),
    'createml': (
        '_annotations.createml.json',
        [dict(image='a.jpg', annotations=[dict(label='a', coordinates=BOX)])],
        'CreateML',
    ),
    'darwin': (
        'a.json',
        dict(version='2.0', item=dict(name='a.jpg'), annotations=[]),
        'darwin-py',
    ),
    'labelbox': (
        'export.ndjson',
        '\n'.join(json.dumps(dict(data_row={}, projects={})) for _ in 'ab'),
        'Labelbox',
    ),
    'scalabel': ('a.json', [dict(name='a.jpg', labels=[])], 'bdd100k'),
    'superannotate': (
        'a.json',
        dict(metadata=dict(name='a.jpg'), instances=[]),
        'SuperAnnotate',
    ),
    'detection': ('a.xml', DETECTION, 'Pascal VOC detection'),
    'labelme web': ('a.xml', MIT, "LabelMe's web tool"),
    'yolo': ('a.txt', '0 0.5 0.5 0.2 0.2\n3 .1 .2 .3 .4\n', 'YOLO'),
    'mat': ('a.mat', 'MATLAB 5.0 MAT-file, Platform: GLNXA64', 'MATLAB'),
}
SETTINGS = {
    'color-png': dict(colors='voc'),
    'labelme': dict(classes=['cat']),
    'scribbles4all': dict(values='ids'),
    'scribblesup': dict(size=(6, 4)),
    'whats-the-point': dict(size=(6, 4)),
}


@pytest.mark.parametrize('source', ['file', 'folder'])
@pytest.mark.parametrize('other', FILES)
@pytest.mark.parametrize('name', sorted(READERS))
def test_foreign_names_the_convention_and_a_remedy(
    refusal, write, name, other, source
):
    file, content, words = FILES[other]
    path = write(file, content)
    src = path if source == 'file' else path.parent
    said = refusal(name, src, **SETTINGS.get(name, {}))
    assert f'{path} looks like' in said and words in said
    assert f'expected the format {name}' in said
    assert 'export' in said or 'PNG' in said or 'use the format' in said


@pytest.mark.parametrize(
    'content, format',
    [
        (dict(images=[], annotations=[], categories=[]), 'coco'),
        (dict(shapes=[], imageWidth=4), 'labelme'),
        (dict(imgHeight=4, imgWidth=6, objects=[]), 'cityscapes-coarse'),
        ({'a': [dict(x=1, y=2, cls=3)]}, 'whats-the-point'),
        (
            [dict(data=dict(image='a.jpg'), annotations=[dict(result=[])])],
            'label-studio',
        ),
        ('<annotation><polygon/></annotation>', 'scribblesup'),
        ('<annotations><meta/></annotations>', 'cvat'),
    ],
)
def test_foreign_names_our_own_formats(write, content, format):
    path = write('a.dat', content)
    assert f'format {format}' in foreign(path, 'index-png')
    assert foreign(path, format) is None


@pytest.mark.parametrize(
    'content', ['', '{', '[]', '{}', '[1]', '<a/>', 'cat\ndog', '0\n', '[{}]']
)
def test_foreign_of_unknown_files(write, content):
    assert foreign(write('a.txt', content), 'coco') is None


@pytest.mark.parametrize('name', sorted(READERS))
def test_foreign_asks_to_unpack_an_archive(refusal, write, name):
    """CVAT's download, for example."""
    path = write('task.zip', '')
    with ZipFile(path, 'w') as archive:
        archive.writestr('annotations.xml', '<annotations><meta/>')
    said = refusal(name, path, **SETTINGS.get(name, {}))
    assert f'{path} looks like a ZIP archive' in said and 'unpack it' in said


def test_foreign_skips_the_class_list_of_yolo(write):
    write('classes.txt', 'cat\ndog\n')
    path = write('labels/a.txt', '0 0.5 0.5 0.2 0.2\n')
    said = foreign(path.parents[1], 'labelme')
    assert f'{path} looks like YOLO' in said


def test_foreign_is_none_beside_a_file_of_the_format(write):
    """The reader's own error says more, such as which file it expects."""
    write('a.json', VIA)
    path = write('b.xml', '<annotations><meta/></annotations>')
    assert foreign(path.parent, 'cvat') is None
    assert 'a.json looks like' in foreign(path.parent, 'coco')


def test_convert_names_the_convention_of_one_file_among_others(refusal, write):
    point = dict(label='cat', shape_type='point', points=[[1, 1]])
    write('b.json', dict(imageWidth=4, imageHeight=4, shapes=[point]))
    src = write('a.json', VIA)
    said = refusal('labelme', src.parent, classes=['cat'])
    assert f'{src} looks like a project of the VGG' in said


def test_convert_names_the_convention_before_classes_are_missing(
    refusal, write, out
):
    said = refusal('labelme', write('a.json', VIA).parent)
    assert 'a.json looks like a project of the VGG' in said
    assert not out.exists()


@pytest.mark.parametrize(
    'values, unlabelled', [([[255, 255]], []), ([[21, 21]], [21])]
)
def test_convert_rejects_annotations_without_any_label(
    refusal, write, values, unlabelled
):
    src = write('a.png', np.array(values, np.uint8)).parent
    said = refusal('index-png', src, unlabelled=unlabelled)
    assert '1 annotations and not one labelled pixel' in said
    assert 'one of --map, --unlabelled, --images' in said


@pytest.mark.parametrize('kind', ['rectangle', 'point'])
def test_convert_names_boxes_if_nothing_else_is_drawn(refusal, write, kind):
    """A point outside of the image is left out for another reason."""
    shape = dict(label='cat', shape_type=kind, points=[[1, 1], [3, 3]])
    if kind == 'point':
        shape['points'] = [[30, 30]]
    content = dict(imageWidth=9, imageHeight=9, shapes=[shape])
    said = refusal('labelme', write('a.json', content), classes=['cat'])
    assert 'not one labelled pixel (1 x ' in said
    assert ('--boxes' in said) == (kind == 'rectangle')
