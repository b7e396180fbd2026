"""The tables of the accuracy benchmark."""

from __future__ import annotations

from benchmarks.accuracy.tables import (
    Results,
    compare,
    compare_budgets,
    summarise,
)


def make_results(**rows: dict[int, float]) -> Results:
    """Results from the mIoU of each row by seed."""
    return {
        row.replace('_', '-'): [
            dict(seed=seed, images=9, val=[dict(miou=0), dict(miou=miou)])
            for seed, miou in by_seed.items()
        ]
        for row, by_seed in rows.items()
    }


def test_summarise_takes_the_best_row_of_weak_labels() -> None:
    found = make_results(
        full={0: 80},
        weak_point={0: 50, 1: 48},
        fast_point={0: 52},
        unweighted_point={1: 40},
        teacher_point={0: 70},
        sesam_point={0: 60, 1: 70},
    )
    *_, line = summarise(dict(voc=found)).splitlines()
    # The share and the difference are those of seed 0.
    assert line == (
        '| VOC 2012 | point | 80.0 (1 seed) | 52.0 (1 seed) '
        '| 65.0 (60.0, 70.0) | 75.0% | +8.0 |'
    )


def test_dense_is_the_better_row_of_dense_labels() -> None:
    found = make_results(
        full={0: 60}, unweighted_full={0: 80}, sesam_point={0: 72}
    )
    *_, line = summarise(dict(coral=found)).splitlines()
    assert '| 80.0 (1 seed) | | 72.0 (1 seed) | 90.0% |' in line
    assert compare('coral', found).splitlines()[2:] == [
        '| dense | dense labels | 60.0 (1 seed) | 75.0% |',
        '| dense | dense labels, no class weights | 80.0 (1 seed) | |',
        '| point | SeSAM | 72.0 (1 seed) | 90.0% |',
    ]


def test_summarise_leaves_out_what_was_not_run() -> None:
    found = make_results(weak_point={0: 50})
    assert summarise(dict(coral=found)).count('\n') == 1
    found = make_results(sesam_point={0: 50})
    *_, line = summarise(dict(coral=found)).splitlines()
    assert line == '| EilatMixx | point | | | 50.0 (1 seed) | | |'


def test_compare_lists_rows_that_were_run() -> None:
    found = make_results(full={0: 80}, slow_point={0: 40})
    assert compare('coral', found).splitlines() == [
        '| labels | trained with | val mIoU | of dense |',
        '|---|---|---|---|',
        '| dense | dense labels | 80.0 (1 seed) | |',
        '| point | weak labels, half the learning rate | 40.0 (1 seed) '
        '| 50.0% |',
    ]


def test_compare_adds_the_time_of_random_pixels() -> None:
    found = make_results(
        sesam_point={0: 50}, shares_point={0: 50}, shares_300_point={0: 50}
    )
    lines = compare('camvid', found).splitlines()[2:]
    # 9 images of 22.1 s, and 300 pixels of 2.4 s. Exact shares are not known
    # without dense labels.
    assert [line.split('seed) | ')[1] for line in lines] == [
        '| 0.1 | 9e+02 |',
        '| | |',
        '| 0.3 | 2e+02 |',
    ]


def test_compare_budgets_lists_what_the_hours_buy() -> None:
    found = make_results(
        sesam_point={0: 50, 1: 51}, sesam_scribble={0: 60}, dense10={0: 40}
    )
    found['2h-coarse'] = make_results(x={0: 45})['x']
    labels = dict(point=367), dict(scribble=367), dict(dense=10)
    for runs, counts in zip(found.values(), (*labels, dict(coarse=17))):
        for run in runs:
            run.update(images=367, labels=counts)
    found['weak-point'] = [dict(val=[dict(miou=70)], images=367, labels={})]

    lines = compare_budgets(found).splitlines()[2:]

    assert lines == [
        '| 2 | 17 coarse | 2.0 | 45.0 (1 seed) |',
        '| 5 | 367 scribble | 3.6 | 60.0 (1 seed) |',
        '| 5 | 367 point | 2.3 | 50.5 (50.0, 51.0) |',
        '| 5 | 17 coarse | 2.0 | 45.0 (1 seed) |',
        '| 20 | 367 scribble | 3.6 | 60.0 (1 seed) |',
        '| 20 | 367 point | 2.3 | 50.5 (50.0, 51.0) |',
        '| 20 | 17 coarse | 2.0 | 45.0 (1 seed) |',
        '| 20 | 10 dense, the others not used | 15.0 | 40.0 (1 seed) |',
    ]
