"""What is known about an image before it is scored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_sesam.store.store import LABELS, PseudoLabelStore
from mmseg_sesam.suggest.look import Looker
from mmseg_sesam.suggest.predictor import RunPrediction
from mmseg_sesam.suggest.ranking import draw_images

SIZE = (10, 10)


def rows_of(default: int, **rows: int) -> np.ndarray:
    """Returns a map of one class, and of others in rows named row0 to row9."""
    label = np.full(SIZE, default, np.uint8)
    for name, class_id in rows.items():
        label[int(name[3:])] = class_id
    return label


def component(class_id: int, chosen: bool, **changes: object) -> dict:
    record = dict(
        class_id=class_id,
        bbox=[class_id, 2, class_id + 1, 8],
        area=6,
        from_person=True,
        chosen=[[0, 0]] * chosen,
    )
    return dict(record, **changes)


@pytest.fixture
def make_looker(tmp_path: Path) -> Callable[..., Looker]:
    """Makes a looker at one image, of which the first row has a label."""
    store = PseudoLabelStore(tmp_path)
    store.begin(0, {})
    records = [
        component(0, True),
        component(1, False),
        component(2, True),
        component(2, False, from_person=False),
    ]
    pseudo = rows_of(0, row3=2, row4=255)
    store.stage(0, 'a', {LABELS: pseudo}, records)
    store.commit(0, {})
    predicted = RunPrediction(
        dict(student=rows_of(0), teacher=rows_of(0, row0=1, row8=1, row9=1)),
        np.full(SIZE, 0.4, np.float32),
        np.arange(4.0),
    )

    def make(weak: np.ndarray, round_index: int | None = 0) -> Looker:
        data = PixelData(data=torch.from_numpy(weak)[None])
        sample = SegDataSample(gt_sem_seg=data)
        images = SimpleNamespace(
            dataset=[dict(data_samples=sample)],
            keys=['a'],
            classes=['road', 'pole', 'tree'],
            run=SimpleNamespace(store=store),
        )
        return Looker(images, lambda packed: predicted, round_index)

    return make


def test_look_counts_pixels_and_components_without_a_mask(
    make_looker: Callable[..., Looker],
) -> None:
    look = make_looker(rows_of(255, row0=0)).look(0)

    assert look.labelled.tolist() == [True, False, False]
    assert look.shown.tolist() == [True, False, False]
    # Rows 3, 8 and 9: a person labelled row 0, and the pseudo-label of row 4
    # has no class.
    assert look.disagreement == pytest.approx(0.3)
    assert look.uncertainty == pytest.approx(0.9 * 0.4)
    assert (look.components, look.fell_back) == (3, 1)
    lost, *_ = look.regions
    assert (lost.box, lost.reason) == (
        (2, 1, 8, 2),
        'no mask was found for pole',
    )
    assert look.features.tolist() == [0, 1, 2, 3]


def test_look_without_rounds_compares_student_and_teacher(
    make_looker: Callable[..., Looker],
) -> None:
    look = make_looker(rows_of(255, row0=0), None).look(0)
    assert look.disagreement == pytest.approx(0.2)
    assert (look.components, look.fell_back) == (0, 0)


def test_look_at_a_complete_label_misses_nothing(
    make_looker: Callable[..., Looker],
) -> None:
    look = make_looker(rows_of(0, row5=2)).look(0)
    assert look.complete and not look.regions
    assert look.shown.tolist() == [True, False, True]


def test_draw_images_draws_from_all_of_them() -> None:
    keys = [f'{index:03}' for index in range(100)]
    drawn = draw_images(keys, 10)
    assert len(set(drawn)) == 10
    assert min(drawn) < 50 < max(drawn)
    assert draw_images(keys, 200) == list(range(100))
