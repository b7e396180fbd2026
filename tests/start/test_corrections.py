"""Corrections that replace annotations of training photos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import draw_photos, strokes, write_photo
from mmengine.config import Config
from start_plans import plan

from mmseg_sesam.config_checks import check_config
from mmseg_sesam.datasets.validation import validate_datasets
from mmseg_sesam.start.show import plan_text
from mmseg_sesam.start.start import Request


def test_prepare_joins_corrections(request_of_photos: Request) -> None:
    first = draw_photos('first', '01', '02')
    second = draw_photos('second', '02', '12')

    start = plan(request_of_photos, corrected=(first, second))

    names = [part.labelled for part in start.sets.corrected]
    assert names == [['01'], ['02', '12']]
    assert {*start.sets.train.labelled} & {'01', '02', '12'} == set()
    # The same images are held back as without corrections.
    assert start.sets.val.labelled == ['06', '07']
    cfg = Config.fromfile(start.config)
    parts = cfg.train_dataloader.dataset.datasets
    kinds = [part.pipeline[1].kind for part in parts]
    assert kinds == ['scribble', 'dense', 'dense']
    for part in parts:
        assert Path(part.ann_file).read_text().split()
    assert cfg.model.sources[0].kinds == ['dense']


def test_prepare_plans_for_labels_that_corrections_left(
    request_of_photos: Request,
) -> None:
    labelled = plan(request_of_photos, val_share=0.0).sets.train.labelled
    corrected = (draw_photos('first', *labelled),)

    start = plan(request_of_photos, val_share=0.0, corrected=corrected)

    cfg = Config.fromfile(start.config)
    assert not cfg.model.regularizers
    check_config(cfg)


def test_prepare_removes_labels_that_a_correction_replaced(
    request_of_photos: Request,
) -> None:
    rng = np.random.default_rng(1)
    for name in ('first/01', 'first/02', 'second/02'):
        write_photo(Path(f'{name}.jpg'), rng, strokes)
        Path(f'{name}.jpg').unlink()

    start = plan(request_of_photos, corrected=(Path('first'), Path('second')))

    report = validate_datasets(Config.fromfile(start.config), 1)
    assert not report.findings


def test_prepare_takes_labels_away_that_a_correction_removes(
    request_of_photos: Request,
) -> None:
    first = draw_photos('first', '01', '02', '04')
    second = draw_photos('second', '03', '04')
    for path in (first / '02.json', second / '04.json'):
        path.write_text(
            json.dumps(dict(json.loads(path.read_text()), shapes=[]))
        )

    for _ in range(2):
        start = plan(request_of_photos, corrected=(first, second))
        sets = start.sets
        assert [part.labelled for part in sets.corrected] == [['01'], ['03']]
        assert {'02', '04'} <= {*sets.train.unlabelled}
        assert not {'02', '04'} & {*sets.train.labelled}
        assert not (sets.train.labels / '02.png').exists()
    assert 'Unlabelled by --corrected: 02, 04\n' in plan_text(start)


def test_prepare_keeps_labels_of_images_that_an_export_lists(
    request_of_photos: Request,
) -> None:
    size = 'width="96" height="72"'
    Path('task.xml').write_text(
        f'<annotations><image name="01.jpg" {size}><polygon label="cat" '
        'points="9,9;50,9;50,60" z_order="0"/></image>'
        f'<image name="02.jpg" {size}/></annotations>'
    )

    sets = plan(request_of_photos, corrected=(Path('task.xml'),)).sets

    assert sets.corrected[0].labelled == ['01']
    assert '02' in sets.train.labelled


def test_prepare_refuses_corrections_of_held_back_images(
    request_of_photos: Request,
) -> None:
    folder = draw_photos('first', '06')
    with pytest.raises(ValueError, match='such as 06'):
        plan(request_of_photos, corrected=(folder,))
