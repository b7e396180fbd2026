"""Labels are found by the ends of paths, one for each file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmseg_sesam.evaluation.matching import (
    Matches,
    describe_left_out,
    match_labels,
)


def touch(root: Path, *names: str) -> list[Path]:
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def match(
    root: Path, files: list[Path], suffixes: tuple[str, str] = ('', '')
) -> tuple[dict[str, str], Matches]:
    """Pairs by name relative to their folders, and all that was found."""
    matches = match_labels(files, root / 'files', root / 'labels', suffixes)
    pairs = {
        file.relative_to(root / 'files').as_posix(): label.relative_to(
            root / 'labels'
        ).as_posix()
        for file, label in matches.pairs.items()
    }
    return pairs, matches


def test_match_labels_takes_the_longest_end(tmp_path: Path) -> None:
    files = touch(tmp_path / 'files', 'x/town/a.jpg', 'y/b.jpg')
    touch(tmp_path / 'labels', 'town/a.png', 'a.png', 'b.png')

    pairs, matches = match(tmp_path, files)

    assert pairs == {'x/town/a.jpg': 'town/a.png', 'y/b.jpg': 'b.png'}
    assert matches.missing == []
    assert matches.unused == [tmp_path / 'labels/a.png']


def test_match_labels_returns_files_without_counterpart(
    tmp_path: Path,
) -> None:
    files = touch(tmp_path / 'files', 'a_img.png', 'b_img.png')
    touch(tmp_path / 'labels', 'a_ids.png', 'c_ids.png', 'a_colour.png')

    pairs, matches = match(tmp_path, files, ('_img', '_ids'))

    assert pairs == {'a_img.png': 'a_ids.png'}
    assert matches.missing == files[1:]
    # A rendering beside the labels is no label.
    assert matches.unused == [tmp_path / 'labels/c_ids.png']


def test_match_labels_prefers_an_exact_path(
    tmp_path: Path,
) -> None:
    files = touch(tmp_path / 'files', 'town/a.png', 'a.png')
    touch(tmp_path / 'labels', 'a.png')

    pairs, matches = match(tmp_path, files)

    assert pairs == {'a.png': 'a.png'}
    assert matches.missing == files[:1]


def test_match_labels_prefers_an_exact_path_to_a_near_folder(
    tmp_path: Path,
) -> None:
    files = touch(tmp_path, 'town/a.png', 'a.png')
    touch(tmp_path, 'town/labels/a.png')

    matches = match_labels(files, tmp_path, tmp_path / 'town/labels')

    assert [*matches.pairs] == files[1:]
    assert matches.missing == files[:1]


def test_match_labels_names_remedies_for_a_label_of_two_files(
    tmp_path: Path,
) -> None:
    files = touch(tmp_path / 'files', 'one/images/0.png', 'two/images/0.png')
    label = touch(tmp_path / 'labels', '0.png')[0]

    with pytest.raises(ValueError) as refused:
        match(tmp_path, files)

    told = tmp_path / 'labels/one/images'
    said = str(refused.value)
    assert said.startswith(f'{label} would be the label of {files[0]} and of')
    assert f'into {told}, or give only {tmp_path}/files/one or' in said
    told.mkdir(parents=True)
    label.rename(told / '0.png')
    pairs, matches = match(tmp_path, files)
    assert pairs == {'one/images/0.png': 'one/images/0.png'}
    assert matches.missing == files[1:]


def test_match_labels_rejects_two_labels_of_one_name(tmp_path: Path) -> None:
    files = touch(tmp_path / 'files', 'a.png')
    touch(tmp_path / 'labels', 'a.png', 'a.PNG')

    with pytest.raises(ValueError, match='a.png have one name; remove one'):
        match(tmp_path, files)


def test_match_labels_rejects_two_files_of_one_folder(tmp_path: Path) -> None:
    files = touch(tmp_path / 'files', 'a.png', 'a_img.png')
    touch(tmp_path / 'labels', 'a_ids.png')

    with pytest.raises(ValueError, match='rename one of the two files'):
        match(tmp_path, files, ('_img', '_ids'))


def test_match_labels_prefers_the_nearest_folder(tmp_path: Path) -> None:
    names = [f'{root}/images/{i}.jpg' for root in ('one', 'two') for i in '01']
    images = touch(tmp_path, *names[:1], *names[2:])
    # The second label's image is no training image; its namesake is.
    touch(tmp_path / 'one/labels', '0.png', '1.png')

    matches = match_labels(images, Path('/'), tmp_path / 'one/labels')

    assert matches.pairs == {images[0]: tmp_path / 'one/labels/0.png'}
    assert matches.missing == images[1:]
    assert matches.unused == [tmp_path / 'one/labels/1.png']


def test_match_labels_rejects_labels_apart_from_two_data_roots(
    tmp_path: Path,
) -> None:
    images = touch(tmp_path, 'one/images/0.jpg', 'two/images/0.jpg')
    touch(tmp_path / 'dense', '0.png')

    place = tmp_path / 'dense/one/images'
    with pytest.raises(ValueError, match=f'into {place}.$'):
        match_labels(images, Path('/'), tmp_path / 'dense')


def test_describe_left_out_names_that_are_no_utf_8() -> None:
    name = os.fsdecode(b'caf\xe9.png')
    (said,) = describe_left_out('images', 'dense label', [name])
    assert r'(caf\udce9.png)' in said
