"""Reading the shares of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmseg_sesam.io.class_shares import count_classified, read_shares
from mmseg_sesam.io.labels import id_table, write_label

CLASSES = ('sky', 'road', 'car')


def write_table(path: Path, *names: str, header: str = 'image,x,y,class'):
    rows = [f'a.png,{i},0,{name}' for i, name in enumerate(names)]
    path.write_text('\n'.join([header, *rows]) + '\n')
    return path


def test_read_shares_of_a_dict_in_the_order_of_ids() -> None:
    shares = read_shares(dict(car=0.1, sky=0.6, road=0.3), CLASSES)
    np.testing.assert_allclose(shares.values, [0.6, 0.3, 0.1])
    assert shares.pixels == 0


def test_read_shares_takes_both_spellings_of_an_accent() -> None:
    shares = read_shares({'cafe\u0301': 0.25, 'b': 0.75}, ['b', 'caf\xe9'])
    assert shares.values.tolist() == [0.75, 0.25]


def test_read_shares_divides_rounded_shares_by_their_sum() -> None:
    shares = read_shares(dict(sky=0.333, road=0.333, car=0.333), CLASSES)
    np.testing.assert_allclose(shares.values, 1 / 3)


@pytest.mark.parametrize(
    ('shares', 'message'),
    [
        (dict(sky=0.5, road=0.5), "no share for the class 'car'"),
        (dict(sky=0.5, road=0.4, car=0.1, bus=0), "the class 'bus'"),
        (dict(sky=0.5, road=0.4, car=0.2), 'add up to 1.1'),
        (dict(sky=50, road=40, car=10), 'add up to 100'),
        (dict(sky=1.2, road=-0.3, car=0.1), 'from -0.3'),
        (dict(sky=float('nan'), road=0.4, car=0.1), 'at least 0'),
    ],
)
def test_read_shares_refuses_a_wrong_dict(shares: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_shares(shares, CLASSES)


def test_read_shares_of_a_table(tmp_path: Path) -> None:
    names = ['sky', 'sky', 'road', '(none)', ' sky ']
    path = write_table(tmp_path / 'pixels.csv', *names)
    shares = read_shares(path, CLASSES)
    np.testing.assert_allclose(shares.values, [0.75, 0.25, 0])
    assert shares.pixels == 4
    assert count_classified(path, CLASSES)[1] == 1


def test_read_shares_of_a_table_saved_by_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / 'pixels.csv'
    text = '\ufeffimage,x,y,class\r\n"a,b.png",1,2,road\r\n'
    path.write_bytes(text.encode())
    np.testing.assert_allclose(read_shares(path, CLASSES).values, [0, 1, 0])


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['sky', '', ''], '2 of 3 pixels without a class, .* line 3'),
        (['sky', 'bus'], "the class 'bus' in line 3, expected one of sky"),
        (['(none)'], 'no pixel of any class'),
        ([], 'no pixel of any class'),
    ],
)
def test_read_shares_refuses_a_wrong_table(
    tmp_path: Path, names: list[str], message: str
) -> None:
    path = write_table(tmp_path / 'pixels.csv', *names)
    with pytest.raises(ValueError, match=message):
        read_shares(path, CLASSES)


def test_read_shares_refuses_other_files(tmp_path: Path) -> None:
    path = write_table(tmp_path / 'pixels.csv', header='image;x;y;class')
    with pytest.raises(ValueError, match="no column 'class'"):
        read_shares(path, CLASSES)
    path.write_bytes(b'\x89PNG\x00\xff')
    with pytest.raises(ValueError, match='pixels.csv'):
        read_shares(path, CLASSES)
    with pytest.raises(FileNotFoundError, match='nothing'):
        read_shares(tmp_path / 'nothing', CLASSES)


def test_read_shares_of_dense_labels(tmp_path: Path) -> None:
    label = np.array([[0, 0, 0, 1], [1, 1, 1, 255]], np.uint8)
    write_label(tmp_path / 'a.png', label)
    (tmp_path / 'deep').mkdir()
    write_label(tmp_path / 'deep/b.png', np.full((1, 1), 2, np.uint8))
    shares = read_shares(tmp_path, CLASSES)
    np.testing.assert_allclose(shares.values, [3 / 8, 4 / 8, 1 / 8])
    # A class that no label shows is no class of few sampled pixels.
    assert shares.pixels == 0


def test_read_shares_of_dense_labels_with_ids_from_1(tmp_path: Path) -> None:
    write_label(tmp_path / 'a.png', np.array([[0, 1, 3]], np.uint8))
    shares = read_shares(tmp_path, CLASSES, id_table(True))
    np.testing.assert_allclose(shares.values, [1 / 2, 0, 1 / 2])


def test_read_shares_refuses_other_labels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='holds no labelled pixel'):
        read_shares(tmp_path, CLASSES)
    write_label(tmp_path / 'a.png', np.full((1, 1), 3, np.uint8))
    with pytest.raises(ValueError, match='a.png holds the class id 3'):
        read_shares(tmp_path, CLASSES)
