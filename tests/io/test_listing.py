"""Listing files at any depth."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from mmseg_sesam.io.images import open_image
from mmseg_sesam.io.listing import (
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    list_files,
    list_keyed_files,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / 'root'
    for name in ('b.png', 'a/c.PNG', 'a/d.txt', '._e.png', '.f/g.png'):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')
    return root


def names(folder: Path, ending: str | tuple[str, ...] = '') -> list[str]:
    found = list_files(folder, ending)
    return [path.relative_to(folder).as_posix() for path in found]


def test_list_files_leaves_out_hidden_files(folder: Path) -> None:
    assert names(folder) == ['a/c.PNG', 'a/d.txt', 'b.png']
    assert names(folder, '.png') == ['a/c.PNG', 'b.png']


def test_list_files_follows_links_to_folders(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'h.png').write_bytes(b'')
    for name in ('first', 'second'):
        (folder / name).symlink_to(other)

    linked = ['first/h.png', 'second/h.png']
    assert names(folder, '.png') == ['a/c.PNG', 'b.png', *linked]


def test_list_files_stops_at_links_that_lead_back(folder: Path) -> None:
    (folder / 'a' / 'back').symlink_to(folder)

    assert names(folder, '.png') == ['a/c.PNG', 'b.png']


def test_list_files_of_no_folder(folder: Path) -> None:
    assert list_files(folder / 'gone') == []
    assert list_files(folder / 'b.png') == []


def test_list_files_with_several_endings(folder: Path) -> None:
    assert names(folder, LABEL_SUFFIXES) == ['a/c.PNG', 'b.png']
    assert names(folder, ('C.png', '.TXT')) == ['a/c.PNG', 'a/d.txt']


def test_list_keyed_files_leaves_out_folders_below(folder: Path) -> None:
    def keys(*without: Path) -> list[str]:
        return [key for key, _ in list_keyed_files(folder, '.png', without)]

    assert keys() == keys(folder, folder.parent) == ['a/c', 'b']
    assert keys(folder / 'a') == ['b']
    path = folder / 'a/d.txt'
    assert list_keyed_files(path, '.png') == [('d', path)]


@pytest.mark.parametrize('suffix', IMAGE_SUFFIXES)
def test_image_suffixes_can_all_be_opened(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'a{suffix}'
    mode = 'L' if suffix in LABEL_SUFFIXES else 'RGB'
    Image.new(mode, (4, 3)).save(path)
    with open_image(path) as image:
        assert image.size == (4, 3)
