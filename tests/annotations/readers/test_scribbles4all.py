"""Scribbles for All.

Both layouts follow https://github.com/wbkit/Scribbles4All: the PNGs and the
HDF5 files that s4ScribbleGenerator/create_scribble.py writes.
"""

from __future__ import annotations

import json

import cv2
import h5py
import numpy as np
import pytest

LINES = np.array(
    [
        [[2, 3], [10, 3.9], [20, 3]],
        [[5, 8], [5, 12], [5, 18]],
    ],
    np.float64,
)


def write_h5(path, **changes):
    content = dict(
        scribble=LINES,
        scribble_values=np.array([[1] * 3, [13] * 3], np.int32),
        image_dims=(24, 32, 3),
        config=json.dumps(
            dict(line_thickness=3, background_px_value=[0, 0, 0])
        ).encode(),
    )
    content.update(changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, 'w') as file:
        for key, value in content.items():
            if value is not None:
                file[key] = value
    return path.parent


@pytest.mark.parametrize(
    'values, expected',
    [
        ('ids', [[255, 1, 2, 150]]),
        ('from-1', [[255, 0, 1, 149]]),
    ],
)
def test_scribbles4all_reads_three_equal_channels(
    labels, write, values, expected
):
    ids = np.array([[0, 1, 2, 150]], np.uint8)
    src = write('a.png', np.stack([ids] * 3, -1)).parent
    found = labels('scribbles4all', src, values=values)
    assert found['a'].tolist() == expected


def test_scribbles4all_reads_ids_of_cityscapes(labels, write, summary):
    ids = np.array([[0, 7, 26, 33]], np.uint8)
    src = write('a.png', np.stack([ids] * 3, -1)).parent
    found = labels('scribbles4all', src, values='cityscapes')
    assert found['a'].tolist() == [[255, 0, 13, 18]]
    assert summary()['classes'][13]['name'] == 'car'


def test_scribbles4all_draws_hdf5_within_its_own_tools_lines(labels, tmp_path):
    """OpenCV, which draws those, makes them up to two pixels wider."""
    src = write_h5(tmp_path / 'src/town/a.h5').parent
    found = labels('scribbles4all', src, values='ids', source='h5')['town/a']
    for line, value in zip(LINES, (1, 13)):
        inner, outer = (
            cv2.polylines(
                np.zeros((24, 32), np.uint8),
                [line.astype(np.int32)],
                False,
                1,
                thickness,
            ).astype(bool)
            for thickness in (1, 3)
        )
        drawn = found == value
        assert drawn[inner].all() and not drawn[~outer].any()
        assert drawn.sum() > 2 * inner.sum()
    assert {*np.unique(found).tolist()} == {1, 13, 255}


def test_scribbles4all_width_and_length(labels, tmp_path):
    line = np.stack([np.arange(20.0), np.full(20, 5.0)], -1)[None]
    src = write_h5(
        tmp_path / 'src/a.h5', scribble=line, scribble_values=[[4] * 3]
    )
    settings = dict(values='from-1', source='h5', width=1, length=0.5)
    found = labels('scribbles4all', src, **settings)['a']
    assert np.argwhere(found == 3).tolist() == [[5, x] for x in range(5, 15)]


def test_scribbles4all_takes_hdf5_without_a_scribble(labels, tmp_path):
    empty = dict(scribble=np.zeros(0), scribble_values=np.zeros(0))
    src = write_h5(tmp_path / 'src/a.h5', **empty)
    write_h5(tmp_path / 'src/b.h5')
    found = labels('scribbles4all', src, values='ids', source='h5')
    assert (found['a'] == 255).all() and (found['b'] != 255).any()


@pytest.mark.parametrize('option', [dict(width=2), dict(length=0.5)])
def test_scribbles4all_rejects_lines_for_png(refusal, write, option):
    src = write('a.png', np.zeros((2, 2, 3), np.uint8)).parent
    said = refusal('scribbles4all', src, values='ids', **option)
    assert 'PNG files are read; leave them out' in said


@pytest.mark.parametrize(
    'changes, said',
    [
        (dict(scribble=None), 'no scribble'),
        (dict(scribble=np.dtype('f4')), 'no data set of its own'),
        (dict(scribble=np.zeros((2, 3))), 'the shape (2, 3)'),
        (dict(scribble=LINES + 1e308), '1e+308'),
        (dict(scribble=b'text'), 'object'),
        (dict(scribble_values=np.array([[1, 2, 3], [1, 1, 1]])), 'differ'),
        (dict(scribble_values=np.ones((5, 3))), 'cannot be read'),
        (dict(image_dims=(10**9, 10**9, 3)), '1000000000 x 1000000000'),
        (dict(image_dims=(4,)), 'cannot be read'),
        (dict(config=b'{}'), 'line_thickness'),
        (dict(config=b'nothing'), 'cannot be read'),
        (dict(scribble=h5py.ExternalLink('/etc/x.h5', 'x')), 'no scribble'),
    ],
)
def test_scribbles4all_rejects_other_hdf5(refusal, tmp_path, changes, said):
    src = write_h5(tmp_path / 'src/a.h5', **changes)
    found = refusal('scribbles4all', src, values='ids', source='h5')
    assert 'a.h5' in found and said in found


def test_scribbles4all_rejects_damaged_hdf5(refusal, tmp_path):
    path = write_h5(tmp_path / 'src/a.h5') / 'a.h5'
    whole = path.read_bytes()
    for content in (b'', b'text', whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(content)
        said = refusal('scribbles4all', path.parent, values='ids', source='h5')
        assert 'a.h5 cannot be read as scribbles in HDF5' in said


def test_scribbles4all_needs_values(refusal, write):
    src = write('a.png', np.zeros((2, 2, 3), np.uint8)).parent
    assert '--values' in refusal('scribbles4all', src)


def test_scribbles4all_rejects_widths_out_of_range(refusal, tmp_path):
    src = write_h5(tmp_path / 'src/a.h5')
    settings = dict(values='ids', source='h5', width=0)
    assert '--width=0' in refusal('scribbles4all', src, **settings)
    src = write_h5(tmp_path / 'src/a.h5', config=b'{"line_thickness": 1000}')
    settings = dict(values='ids', source='h5')
    said = refusal('scribbles4all', src, **settings)
    assert 'line_thickness=1000' in said


def test_scribbles4all_rejects_a_rendering(refusal, write):
    src = write('a.png', np.full((2, 2, 3), (1, 2, 3), np.uint8)).parent
    said = refusal('scribbles4all', src, values='ids')
    assert 'channels that differ' in said and 'color-png' in said
