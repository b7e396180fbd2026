"""Tables of a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmseg_sesam.report.measure import Measures, RoundCounts
from mmseg_sesam.report.run import Run
from mmseg_sesam.report.tables import (
    list_mistakes,
    tabulate_classes,
    tabulate_kinds,
    tabulate_rounds,
)

# True class by label; the last column is unlabelled.
BEFORE = np.array([[4, 0, 0, 6], [0, 2, 0, 8], [0, 0, 0, 0]])
AFTER = np.array([[6, 1, 0, 3], [2, 5, 0, 3], [0, 0, 0, 0]])


@pytest.fixture
def measures() -> Measures:
    def counts(confusion: np.ndarray) -> RoundCounts:
        return RoundCounts(
            confusion=confusion,
            boundary=np.array([[1, 4, 10], [1, 2, 10], [0, 0, 0]]),
            of_weak=np.array([6, 8]),
            given=confusion[:, :-1].sum(axis=0),
            components=np.array([4, 2, 0]),
            fell_back=np.array([1, 0, 0]),
        )

    rounds = {0: counts(BEFORE), 1: counts(AFTER)}
    return Measures({}, np.array([2, 1, 0]), 20, rounds)


def test_tabulate_classes_shares(measures: Measures) -> None:
    first, second, absent = tabulate_classes(measures, 'abc')

    assert first['weak'] == 10
    assert first['given'] == 40
    assert first['fell back'] == 25
    assert first['precision'] == 75
    assert first['iou'] == pytest.approx(100 * 6 / 12)
    assert (first['boundary iou'], second['boundary iou']) == (25, 50)
    assert first['gain'] == pytest.approx(100 * (6 / 12 - 4 / 10))
    assert second['fell back'] == 0
    assert np.isnan([absent[n] for n in ('iou', 'gain', 'fell back')]).all()


def test_tabulate_classes_without_dense_labels(measures: Measures) -> None:
    counts = measures.rounds[0]
    bare = counts._replace(confusion=np.zeros_like(counts.confusion))
    rows = tabulate_classes(measures._replace(rounds={0: bare}), 'abc')
    assert 'iou' not in rows[0] and rows[0]['components'] == 4
    rows = tabulate_classes(measures._replace(rounds={}), 'abc')
    assert list(rows[0]) == ['class', 'name', 'weak']


def test_list_mistakes_ranks_by_pixels() -> None:
    first, second = list_mistakes(AFTER, 'abc')
    assert (first['truth'], first['label']) == (1, 0)
    assert first['share'] == pytest.approx(100 * 2 / 7)
    assert (second['truth'], second['label']) == (0, 1)


def test_tabulate_kinds_over_all_images(tmp_path: Path) -> None:
    def manifest(labelled: int) -> dict:
        counts = dict(pixels=200, components=4, fell_back=1, weak_pixels=20)
        scribble = dict(counts, images=2, labelled_pixels=100)
        none = dict.fromkeys(counts, 0)
        none.update(images=3, pixels=400, labelled_pixels=labelled)
        return dict(kinds=dict(scribble=scribble, none=none))

    run = Run(
        *(tmp_path, Config(), [], [], {}, None),
        {0: manifest(0), 2: manifest(100)},
        None,
    )
    scribble, none = tabulate_kinds(run)
    assert (scribble['kind'], scribble['images']) == ('scribble', 2)
    assert [scribble[n] for n in ('fell back', 'weak')] == [25, 10]
    assert (scribble['first'], scribble['labelled']) == (50, 50)
    assert (none['first'], none['labelled'], none['weak']) == (0, 25, 0)
    assert np.isnan(none['fell back'])

    old = run._replace(rounds={0: dict(summary={})})
    assert tabulate_kinds(old) == []
    unsaid = dict(kinds=dict(weak=run.rounds[0]['kinds']['scribble']))
    assert tabulate_kinds(run._replace(rounds={0: unsaid})) == []


def test_tabulate_rounds_leaves_out_images_without_selection(
    tmp_path: Path,
) -> None:
    dense = dict(images=1, pixels=100, components=0, fell_back=0)
    dense.update(weak_pixels=100, labelled_pixels=100)
    none = dict(dense, pixels=120, weak_pixels=0, labelled_pixels=20)
    total = dict(images=3, pixels=300, components=4, fell_back=1)
    total.update(weak_pixels=120, labelled_pixels=200)
    kinds = dict(dense=dense, none=none)
    rounds = {0: dict(summary=total, kinds=kinds), 2: dict(summary=total)}
    run = Run(*(tmp_path, Config(), [], [], {}, None), rounds, None)
    nothing = np.zeros((3, 4), int)
    counts = RoundCounts(nothing, *[nothing[0]] * 5)
    measures = Measures({}, nothing[0], 9, dict.fromkeys(rounds, counts))

    row, of_unsaid_kinds = tabulate_rounds(run, measures)

    assert row['images'] == 2
    assert (row['weak'], row['labelled']) == (10, 50)
    assert row['labelled of weak'] == 100
    assert of_unsaid_kinds['labelled of weak'] == pytest.approx(200 / 3)
