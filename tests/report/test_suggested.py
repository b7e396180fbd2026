"""Suggestions of tools/suggest.py in a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmseg_sesam.io.suggestions import SUGGESTIONS, SUGGESTIONS_FOLDER
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.run import read_run
from mmseg_sesam.report.suggested import find_suggestions, read_suggestions


def write_list(folder: Path, *images: str) -> Path:
    """Writes a list of suggestions as tools/suggest.py does."""
    region = dict(box=[4, 5, 20, 30], reason='nobody labelled it')
    folder.mkdir()
    suggestions = [
        dict(rank=rank, image=image, reason='it is rare', regions=[region])
        for rank, image in enumerate(images, 1)
    ]
    content = dict(checkpoint='iter_6.pth', suggestions=suggestions)
    (folder / SUGGESTIONS).write_text(json.dumps(content))
    return folder


def test_read_suggestions_finds_their_images(
    work_dir: Path, tmp_path: Path
) -> None:
    images = RunImages(read_run(work_dir))
    folder = write_list(tmp_path / 'next', images.paths[2], images.paths[0])

    found = read_suggestions(folder, images)

    assert [*found.entries] == [2, 0]
    assert found.entries[2]['reason'] == '1. It is rare'
    assert found.entries[2]['regions'][0]['box'] == [4, 5, 20, 30]
    assert '2 of 2' in found.said and 'iter_6.pth' in found.said


def test_read_suggestions_refuses_those_of_another_run(
    work_dir: Path, tmp_path: Path
) -> None:
    images = RunImages(read_run(work_dir))
    folder = write_list(tmp_path / 'next', 'other/1.png')
    with pytest.raises(ValueError, match='no training image'):
        read_suggestions(folder, images)
    with pytest.raises(FileNotFoundError, match='does not exist'):
        read_suggestions(tmp_path, images)


def test_find_suggestions_looks_into_the_work_dir(
    work_dir: Path, tmp_path: Path
) -> None:
    images = RunImages(read_run(work_dir))
    assert find_suggestions(None, images) == ({}, '')

    write_list(work_dir / SUGGESTIONS_FOLDER, images.paths[1])

    assert [*find_suggestions(None, images).entries] == [1]
    other = write_list(tmp_path / 'next', images.paths[2])
    assert [*find_suggestions(other, images).entries] == [2]


def test_find_suggestions_leaves_out_those_of_other_images(
    work_dir: Path,
) -> None:
    images = RunImages(read_run(work_dir))
    folder = write_list(work_dir / SUGGESTIONS_FOLDER, 'other/1.png')

    found = find_suggestions(None, images)

    assert not found.entries
    assert f'The suggestions in {folder} are not shown' in found.said
