"""Drawing pixels and printing shares from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.annotations import pixel_samples


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / 'images').mkdir()
    for name in ('a', 'b'):
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(
            tmp_path / f'images/{name}.png'
        )
    return tmp_path / 'images'


def draw(run_here, images: Path, *options: object):
    out = images.parent / 'out'
    return run_here(
        *('sample_pixels.py', 'draw', images, out, '--number', 10),
        *(options or ('--classes', 'sky', 'road')),
    )


def classify(images: Path, *names: str) -> Path:
    """Fills the table that the tool has written."""
    table = images.parent / 'out/pixels.csv'
    head, *rows = table.read_text().splitlines()
    filled = [row + names[i % len(names)] for i, row in enumerate(rows)]
    table.write_text('\n'.join([head, *filled]))
    return table


def shares(run_here, table: Path):
    return run_here(
        'sample_pixels.py', 'shares', table, '--classes', 'sky', 'road'
    )


def test_sample_pixels_ends_an_interrupted_run_by_a_sentence(
    run_here, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pixel_samples, 'write_page', interrupt)
    done = draw(run_here, images)
    assert 'interrupted; remove the output folder and run' in done.stdout


def test_sample_pixels_prints_shares_of_classified_pixels(
    run_here, images: Path
) -> None:
    done = draw(run_here, images)
    assert done.returncode == 0, done.stdout
    assert (images.parent / 'out/page.html').is_file()
    table = classify(images, 'sky', 'sky', 'sky', 'road', '(none)')
    done = shares(run_here, table)
    assert done.returncode == 0
    cells = [
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in done.stdout.splitlines()
        if line.startswith('|')
    ]
    # The root of 0.75 * 0.25 / 8.
    assert cells[1:] == [
        ['sky', '6', '75.0', '15.3'],
        ['road', '2', '25.0', '15.3'],
    ]
    assert '2 further pixels' in done.stdout


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['sky', ''], '5 of 10 pixels without a class'),
        (['sky', 'car'], "the class 'car' in line 3"),
    ],
)
def test_sample_pixels_refuses_a_wrong_table(
    run_here, images: Path, names: list[str], message: str
) -> None:
    draw(run_here, images)
    done = shares(run_here, classify(images, *names))
    assert done.returncode == 1
    assert message in done.stdout


def test_sample_pixels_keeps_earlier_tables(run_here, images: Path) -> None:
    draw(run_here, images)
    table = classify(images, 'sky')
    before = table.read_text()
    assert draw(run_here, images).returncode == 2
    assert table.read_text() == before


def test_sample_pixels_refuses_the_name_of_no_class(
    run_here, images: Path
) -> None:
    done = draw(run_here, images, '--classes', 'sky', '(none)')
    assert done.returncode == 1
    assert '(none)' in done.stdout


def test_sample_pixels_of_a_known_data_set(run_here, images: Path) -> None:
    done = draw(run_here, images, '--classes', 'voc')
    assert done.returncode == 0
    page = (images.parent / 'out/page.html').read_text()
    assert 'aeroplane' in page
