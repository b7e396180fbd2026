"""Pictures of what labels and networks get wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy.__main__ import make_parser, pictures
from benchmarks.accuracy.pictures import choose

from .conftest import arguments


def test_choose_returns_a_bad_a_middling_and_a_good_image() -> None:
    dense = np.repeat(np.array([0, 1, 255], np.uint8), (4, 6, 5))[None]
    rows = []
    for right in (9, 2, 5, 0, 7, 1, 8, 3, 6, 4):
        label = np.full_like(dense, 255)
        label[:, :right] = dense[:, :right]
        # Pixels without a dense label are neither right nor wrong.
        label[:, 10:] = right % 2
        rows.append((dense, dense, label))
    shown = [(row[2] == dense)[:, :10].sum() for row in choose(rows)]
    assert shown == [1, 5, 9]


def test_pictures_refuse_a_run_without_pseudo_labels(
    trained_sets: Path, tmp_path: Path
) -> None:
    (run,) = trained_sets.glob('runs/acdc-*')
    logs = next(run.glob('*/vis_data'))
    shutil.copytree(logs, tmp_path / logs.relative_to(run))
    config = tmp_path / logs.relative_to(run) / 'config.py'
    text = config.read_text().replace("type='LoadPseudoLabel'", "type='Other'")
    config.write_text(text)
    command = 'pictures', tmp_path, run, '--set', 'acdc', '--data', tmp_path
    args = make_parser().parse_args(arguments(tmp_path, *command))
    with pytest.raises(SystemExit, match='has no pseudo-labels, expected'):
        pictures(args)


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [('run', 'holds no logs of a training'), ('data', 'holds no acdc/annot')],
)
def test_pictures_refuse_wrong_folders(
    trained_sets: Path,
    benchmark_data: Path,
    tmp_path: Path,
    wrong: str,
    said: str,
) -> None:
    (run,) = trained_sets.glob('runs/acdc-*')
    data = tmp_path if wrong == 'data' else benchmark_data
    sesam = tmp_path if wrong == 'run' else run
    command = 'pictures', sesam, run, '--set', 'acdc', '--data', data
    args = make_parser().parse_args(arguments(tmp_path, *command))
    with pytest.raises(SystemExit, match=said):
        pictures(args)
    assert not list(tmp_path.iterdir())


def test_pictures_show_rounds_and_predictions(
    trained_sets: Path, benchmark_data: Path, tmp_path: Path
) -> None:
    (run,) = trained_sets.glob('runs/acdc-*')
    command = 'pictures', run, run, '--set', 'acdc'
    options = '--data', benchmark_data, '--docs', tmp_path
    words = arguments(tmp_path, *command, *options)
    pictures(make_parser().parse_args(words))
    for part in ('rounds', 'predictions'):
        path = tmp_path / f'images/accuracy_acdc_{part}.png'
        with Image.open(path) as image:
            colours = {rgb for _, rgb in image.convert('RGB').getcolors(10**6)}
        # Of the classes of the scene, as the config of ACDC has them.
        assert {(70, 130, 220), (220, 60, 40)} <= colours
