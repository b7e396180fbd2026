"""The best mix of labels for a budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmseg_sesam.annotations.cost import Rate
from mmseg_sesam.annotations.mixes import (
    IMAGES,
    Measured,
    best_mix,
    read_measured,
    single_kinds,
)

RESULTS = Path(__file__).resolve().parents[2] / 'benchmarks/accuracy/results'
RATES = {
    'voc-point': Rate(10, ''),
    'voc-scribble': Rate(30, ''),
    'cityscapes-coarse': Rate(100, ''),
    'cityscapes-fine': Rate(1000, ''),
}
POINT = Measured({'point': 1}, 40, 1)
SCRIBBLE = Measured({'scribble': 1}, 60, 1)
COARSE = Measured({'coarse': 1}, 61, 1)
DENSE = Measured({'dense': 1}, 70, 1)


def test_best_mix_divides_images_between_neighbours() -> None:
    found = best_mix([DENSE, SCRIBBLE, POINT], 515, RATES)
    assert found.shares == {'scribble': 0.5, 'dense': 0.5}
    assert found.miou == 65
    assert found.between == (SCRIBBLE, DENSE)


def test_best_mix_leaves_out_what_is_beaten() -> None:
    # Half of the images with dense labels costs more and is far better.
    rows = [POINT, SCRIBBLE, COARSE._replace(miou=59), DENSE]
    assert best_mix(rows, 100, RATES).between == (SCRIBBLE, DENSE)
    below = COARSE._replace(miou=60.1)
    assert best_mix([SCRIBBLE, below, DENSE], 100, RATES).between == (
        SCRIBBLE,
        DENSE,
    )


def test_best_mix_spends_no_more_than_helps() -> None:
    found = best_mix([POINT, SCRIBBLE, DENSE], 5000, RATES)
    assert (found.shares, found.seconds) == ({'dense': 1}, 1000)


def test_best_mix_does_not_promise_below_what_was_measured() -> None:
    assert best_mix([POINT, SCRIBBLE], 5, RATES) is None


def test_best_mix_names_a_measured_mix() -> None:
    mix = Measured({'dense': 0.1, 'scribble': 0.9}, 66, 1)
    found = best_mix([SCRIBBLE, mix, DENSE], mix.seconds(RATES), RATES)
    assert found.between == (mix,)
    # What is interpolated may promise more, or be dearer.
    half = Measured({'dense': 0.499, 'scribble': 0.501}, 64, 1)
    rows = [SCRIBBLE, half, DENSE]
    assert best_mix(rows, 515, RATES).between == (half,)
    assert best_mix(rows, 513, RATES).between == (SCRIBBLE, DENSE)
    assert best_mix(rows, 520, RATES).between == (SCRIBBLE, DENSE)


def test_single_kinds_returns_the_most_labels_of_each_kind() -> None:
    few, more, most = (
        Measured({'scribble': number / IMAGES}, 60 - number, 1)
        for number in (2, 4, 9)
    )
    mix = Measured({'dense': 1 / IMAGES, 'scribble': 1 / IMAGES}, 70, 1)
    # Four scribbles take these hours exactly.
    hours = 4 * RATES['voc-scribble'].seconds / 3600
    found = single_kinds([most, more, few, mix, DENSE], hours, RATES)
    assert found == {'scribble': more}
    assert single_kinds([POINT, DENSE], hours, RATES) == {}


def test_read_measured_reads_results_of_the_benchmark() -> None:
    shares = [dict(row.shares) for row in read_measured(RESULTS)]
    for kind in ('dense', 'coarse', 'scribble', 'point'):
        assert {kind: 1} in shares


def test_read_measured_takes_rows_that_name_their_labels(
    tmp_path: Path,
) -> None:
    def write(row: str, seed: int, miou: float, labels: dict) -> None:
        result = dict(row=row, images=8, labels=labels, val=[dict(miou=miou)])
        path = tmp_path / f'half-camvid-{row}-superpixel-s800-seed{seed}.json'
        path.write_text(json.dumps(result))

    write('dense2+point', 0, 50, dict(dense=2, point=6))
    write('dense2+point', 1, 52, dict(dense=2, point=6))
    write('weak-point', 0, 40, {})
    # The same labels without the method.
    write('dense2+point-plain', 0, 45, dict(point=6, dense=2))

    assert read_measured(tmp_path) == [
        Measured(dict(dense=0.25, point=0.75), 51, 2)
    ]


def test_read_measured_says_where_results_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='in a checkout'):
        read_measured(tmp_path)
