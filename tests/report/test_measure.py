"""Measures of a sample of the training images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mixed import mix
from PIL import Image

from mmseg_sesam.io.labels import write_label
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.measure import draw_sample, measure
from mmseg_sesam.report.run import read_run
from mmseg_sesam.report.tables import tabulate_rounds


def test_measure_counts_labels(work_dir: Path, scribbles: Path) -> None:
    run = read_run(work_dir)
    images = RunImages(run, scribbles / 'dense')

    measures = measure(images, [0, 2], jobs=2)

    right = labelled = weak = 0
    for index in (0, 2):
        label = run.store.read(images.keys[index], max(run.rounds))
        path = scribbles / f'dense/deep/{index}.png'
        right += np.count_nonzero(label == np.array(Image.open(path)))
        labelled += np.count_nonzero(label != 255)
        weak += np.count_nonzero(images[index].weak != 255)
    last = measures.rounds[max(run.rounds)]
    assert np.trace(last.confusion) == right
    assert last.given.sum() == labelled
    assert measures.weak.sum() == weak
    assert measures.pixels == 2 * 40 * 48
    assert last.components.sum() == sum(
        len(images[index].records[max(run.rounds)]) for index in (0, 2)
    )


def test_measure_leaves_out_dense_training_images(
    work_dir: Path, scribbles: Path
) -> None:
    (scribbles / 'dense/deep/2.png').unlink()
    run = read_run(work_dir)
    mix(run.cfg, ('dense', 'scribble', 'scribble'))
    images = RunImages(run, scribbles / 'dense')

    assert list(images.truths) == draw_sample(images) == [1]
    measures = measure(images, [0, 1, 2], jobs=1)

    assert measures.rounds[0].confusion.sum() == 40 * 48


def test_measure_tells_images_with_a_weak_label_from_others(
    work_dir: Path, scribbles: Path
) -> None:
    run = read_run(work_dir)
    kinds = 'none', 'scribble', 'none'
    mix(run.cfg, kinds)
    last = max(run.rounds)
    images = RunImages(run, scribbles / 'dense')
    # Nothing is right in images without a label.
    for index in (0, 2):
        path = run.store.folder(last) / f'labels/{images.keys[index]}.png'
        label = np.array(Image.open(scribbles / f'dense/deep/{index}.png'))
        write_label(path, (label + 1) % 3)

    measures = measure(images, [0, 1, 2], jobs=1)
    row = tabulate_rounds(run, measures)[-1]

    alone = tabulate_rounds(run, measure(images, [1], jobs=1))[-1]
    assert row['right of weak'] == alone['right of weak'] > 90
    assert alone['right of weak'] == alone['precision']
    assert row['precision'] < 50
    unlabelled = tabulate_rounds(run, measure(images, [0], jobs=1))[-1]
    assert np.isnan(unlabelled['right of weak'])


@pytest.mark.parametrize('labelled', range(3))
def test_draw_sample_takes_unlabelled_images_last(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch, labelled: int
) -> None:
    kinds = ['none'] * 3
    kinds[labelled] = 'scribble'
    run = read_run(work_dir)
    mix(run.cfg, kinds)
    images = RunImages(run)

    for most in (1, 2, 3):
        monkeypatch.setattr('mmseg_sesam.report.measure.MAX_IMAGES', most)
        sample = draw_sample(images)
        assert len(sample) == most and labelled in sample
        assert sample == sorted({*sample})


def test_draw_sample_of_unlabelled_images_alone(work_dir: Path) -> None:
    run = read_run(work_dir)
    mix(run.cfg, ('none', 'none', 'none'))
    assert draw_sample(RunImages(run)) == [0, 1, 2]
