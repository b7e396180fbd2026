"""The first paragraph of a report."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmseg_sesam.report.advice import advise
from mmseg_sesam.report.run import Run

PROXY = dict(type='WeakPixelAccuracy')


def run_of(*mious: float) -> Run:
    """A run of 100 steps for each validation, and one without any."""
    val = [dict(step=100 * i, mIoU=v) for i, v in enumerate(mious, 1)]
    cfg = Config(dict(train_cfg=dict(max_iters=400)))
    train = [dict(step=100 * max(len(val), 1))]
    return Run(Path(), cfg, train, val, {}, None, {}, None)


def round_of(**numbers: float) -> dict[str, Any]:
    shares = {'labelled': 90.0, 'labelled of weak': 90.0, 'fell back': 5.0}
    return {**shares, **numbers}


def class_of(name: str, **numbers: float) -> dict[str, Any]:
    return dict(name=name, weak=1.0, **numbers)


def texts(
    run: Run | None = None,
    rounds: tuple = (),
    classes: tuple = (class_of('road'),),
    measured: int = 9,
) -> str:
    sentences = advise(run or run_of(), rounds, classes, measured, 9)
    assert all(sentence.rule.endswith('.') for sentence in sentences)
    assert all(sentence.text.endswith('.') for sentence in sentences)
    return ' '.join(sentence.text for sentence in sentences)


@pytest.mark.parametrize(
    ('mious', 'number', 'named'),
    [
        ((), '', 'no validation'),
        ((50, 61.2), '61.2', 'rose by 11.2'),
        ((61.2, 60.6), '60.6', 'was 61.2% after 100'),
        ((61.2, 60.9), '60.9', ''),
        ((nan, 60.9), '60.9', ''),
    ],
)
def test_advise_on_validation(
    mious: tuple[float, ...], number: str, named: str
) -> None:
    text = texts(run_of(*mious))
    assert number in text and named in text
    assert ('rose' in text, 'was' in text) == (
        'rose' in named,
        'was' in named,
    )


@pytest.mark.parametrize('evaluator', [PROXY, [PROXY], dict(metrics=[PROXY])])
def test_advise_says_that_a_proxy_is_one(evaluator: dict | list) -> None:
    run = run_of(0, 0)
    run.cfg.val_evaluator = evaluator
    val = [dict(step=s, proxyMeanAcc=70 + s / 100) for s in (100, 200)]
    text = texts(run._replace(val=val))
    assert 'VAL PROXY is 72.0%' in text and 'mIoU' not in text
    assert 'nothing is known of edges' in text


def test_advise_names_classes_without_labels() -> None:
    absent = dict(class_of('car'), weak=0.0)
    classes = class_of('road'), absent
    said = 'None of the 9 training images has a weak label of car, which the'
    assert said in texts(classes=classes)
    text = texts(classes=classes, measured=4)
    assert 'The 4 measured of 9 training images have no weak label' in text
    assert 'cannot learn' not in text


@pytest.mark.parametrize('key', ['val iou', 'iou'])
def test_advise_names_the_worst_class(key: str) -> None:
    def classes(lowest: float) -> tuple:
        values = dict(sky=90.0, pole=lowest, car=nan, road=80.0)
        return tuple(class_of(n, **{key: v}) for n, v in values.items())

    assert 'pole has the lowest' in texts(classes=classes(10.0))
    assert 'lowest' not in texts(classes=classes(70.0))


def test_advise_names_the_scarcest_class_without_dense_labels() -> None:
    classes = class_of('sky', components=9), class_of('car', components=2)
    assert 'car has the fewest weak labels, 2 comp' in texts(classes=classes)
    classes = class_of('sky'), dict(class_of('car'), weak=0.25)
    assert 'car has the fewest weak labels, 0.25%' in texts(classes=classes)


@pytest.mark.parametrize(
    ('weak', 'said'),
    [
        (99.7, '99.7%'),
        (5e-06, 'less than 0.001%'),
        (0.0123, '0.012%'),
        (0.9999, '1.0%'),
    ],
)
def test_advise_writes_shares_in_decimals(weak: float, said: str) -> None:
    low = dict(class_of('car', iou=10.0), weak=weak)
    text = texts(classes=(class_of('sky', iou=90.0), low))
    assert f' and {said} of the pixels are labelled as it' in text


@pytest.mark.parametrize(
    ('last', 'verdict'),
    [(60.0, 'helped'), (50.5, 'hardly'), (45.0, 'max_rounds=0')],
)
def test_advise_on_refreshing(last: float, verdict: str) -> None:
    rounds = round_of(iou=50.0), round_of(iou=last)
    assert verdict in texts(rounds=rounds)
    assert 'Refreshing' not in texts(rounds=rounds[:1])


def test_advise_on_refreshing_without_dense_labels() -> None:
    text = texts(rounds=(round_of(labelled=70.0), round_of()))
    assert 'from 70.0 to 90.0%' in text and 'helped' not in text


@pytest.mark.parametrize(
    ('numbers', 'advice'),
    [
        ({'right of weak': 80.0}, 'raise min_reliability'),
        (
            {'right of weak': 97.0, 'labelled of weak': 40.0},
            '40.0% of the pixels of images with a weak label are labelled, '
            'and 97.0% of them are right: lower min_reliability',
        ),
        ({'labelled of weak': 40.0}, 'lower min_reliability'),
        ({'fell back': 50.0}, 'fell back to their weak pixels: see why'),
    ],
)
def test_advise_on_pseudo_labels(numbers: dict, advice: str) -> None:
    assert advice in texts(rounds=(round_of(**numbers),))
    good = (
        {'right of weak': 90.0},
        {'right of weak': 90.0, 'labelled of weak': 40.0},
        # Most images have no label, and the selector sees none of them.
        dict(labelled=40.0, precision=50.0),
    )
    for row in good:
        assert advice not in texts(rounds=(round_of(**row),))
