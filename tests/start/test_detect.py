from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import strokes, write_photo
from PIL import Image

from mmseg_sesam.io.labels import write_label
from mmseg_sesam.start.detect import (
    check_annotations,
    detect_format,
    open_reader,
)


def test_detect_format_knows_json_and_xml(tmp_path: Path) -> None:
    records = {
        'coco': dict(images=[], annotations=[], categories=[]),
        'label-studio': [dict(data={}, annotations=[])],
        'labelme': dict(shapes=[]),
        'whats-the-point': {'2007_000032': [dict(x=9, y=4, cls=1)]},
    }
    for name, record in records.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / 'a.json').write_text(json.dumps(record))
        assert detect_format(tmp_path / name) == name
    texts = {
        'cvat': '<annotations><image/></annotations>',
        'scribblesup': '<annotation><polygon/></annotation>',
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / 'a.xml').write_text(text)
        assert detect_format(tmp_path / name) == name
        assert detect_format(tmp_path / name / 'a.xml') == name


def test_detect_format_tells_label_images_from_photos(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    index = rng.integers(0, 3, (32, 32)).astype(np.uint8)
    colours = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0]], np.uint8)
    photo = rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)
    pictures = {
        'index-png': Image.fromarray(index),
        'grey': Image.fromarray(index + 1).convert('RGB'),
        # Files of Scribbles for All, in which 0 is unlabelled, are such.
        'grey from 0': Image.fromarray(index).convert('RGB'),
        'color-png': Image.fromarray(colours[index]),
        'photo': Image.fromarray(photo),
    }
    for name, picture in pictures.items():
        (tmp_path / name).mkdir()
        picture.save(tmp_path / name / 'a.png')
    assert detect_format(tmp_path / 'index-png') == 'index-png'
    assert detect_format(tmp_path / 'grey') == 'index-png'
    assert detect_format(tmp_path / 'color-png') == 'color-png'
    for name in ('grey from 0', 'photo'):
        with pytest.raises(ValueError, match='is unknown'):
            detect_format(tmp_path / name)


def test_detect_format_prefers_cityscapes_to_index_images(
    tmp_path: Path,
) -> None:
    label = Image.fromarray(np.zeros((8, 8), np.uint8))
    label.save(tmp_path / 'a_gtCoarse_labelIds.png')
    assert detect_format(tmp_path) == 'cityscapes-coarse'


def test_detect_format_takes_labels_of_ade20k_for_index_images(
    tmp_path: Path,
) -> None:
    write_label(tmp_path / 'a.png', np.uint8([[0, 1], [2, 150]]))
    assert detect_format(tmp_path) == 'index-png'


def test_open_reader_takes_classes_from_labels(tmp_path: Path) -> None:
    write_photo(tmp_path / 'a.jpg', np.random.default_rng(0), strokes)
    reader = open_reader('labelme', tmp_path, tmp_path)
    assert [*reader.names] == ['background', 'cat', 'dog']


def test_open_reader_names_an_option_that_a_format_needs(
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError, match='--colors'):
        open_reader('color-png', tmp_path, tmp_path)


def test_open_reader_refuses_other_classes_than_a_format_has(
    tmp_path: Path,
) -> None:
    write_label(tmp_path / 'a.png', np.ones((4, 4), np.uint8))
    with pytest.raises(ValueError, match='are wall, .* expected cat, dog; '):
        open_reader('ade20k', tmp_path, tmp_path, ('cat', 'dog'))


def test_check_annotations_names_folders_of_suggestions(
    tmp_path: Path,
) -> None:
    for name in ('pictures', 'labelme', 'cvat'):
        (tmp_path / name).mkdir()
    check_annotations(tmp_path)
    (tmp_path / 'suggestions.json').write_text('{}')

    with pytest.raises(ValueError, match='give .*cvat or .*/labelme[.]$'):
        check_annotations(tmp_path)
