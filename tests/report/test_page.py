"""The report of a real, small training as one page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
import torch

from mmseg_sesam.report import build_report
from mmseg_sesam.report.run import Run, read_run
from mmseg_sesam.store.records import read_record, write_record


def embedded(page: Path, name: str) -> dict[str, Any]:
    pattern = f'<script type="application/json" id="{name}">(.*?)</script>'
    text = re.search(pattern, page.read_text(), re.DOTALL)[1]
    return json.loads(text, parse_constant=pytest.fail)


def names_of_layers(image: dict[str, Any]) -> list[str]:
    return [layer['name'] for layer in image['layers']]


@pytest.fixture
def quick_page(work_dir: Path, tmp_path: Path) -> Callable[..., Path]:
    """Builds a report without predictions, which take most of the time."""

    def build(gt_dir: Path | None = None) -> Path:
        page = tmp_path / 'report.html'
        build_report(work_dir, page, gt_dir, with_predictions=False)
        return page

    return build


def test_build_report_shows_images_and_curves(page: Path) -> None:
    gallery = embedded(page, 'gallery-data')
    assert set(gallery['groups']) >= {'worst', 'best', 'random'}
    trained = [image for image in gallery['images'] if image['records']]
    assert sorted(image['name'] for image in trained) == [
        f'images/deep/{index}' for index in range(3)
    ]
    for image in trained:
        rounds = [f'round {index}' for index in range(3)]
        assert names_of_layers(image) == [
            'weak label',
            *rounds,
            'prediction',
            'truth',
        ]
        assert list(image['records']) == rounds
        assert image['score'] > 0.9
    plots = embedded(page, 'plot-data')
    titles = [curve['title'] for curve in plots['curves']]
    assert titles[:2] == ['Validation', 'Loss']
    iou, boundary, *_ = plots['curves'][0]['figure']['data']
    assert (iou['name'], iou['x']) == ('mIoU', [3, 6])
    assert (boundary['name'], boundary['x']) == ('mBoundaryIoU', [3, 6])
    diagonal = np.diag(plots['confusion']['data'][0]['z'])
    assert (diagonal > 90).all()
    assert page.stat().st_size < 15e6


def test_build_report_shows_validation_images_and_the_best_step(
    page: Path, work_dir: Path
) -> None:
    gallery = embedded(page, 'gallery-data')
    worst = [
        gallery['images'][index]
        for index in gallery['groups']['validation, worst']
    ]
    assert len(worst) == 3
    scores = [image['score'] for image in worst]
    assert scores == sorted(scores)
    for image in worst:
        assert names_of_layers(image) == ['prediction', 'truth']
        assert image['measure'] == 'IoU' and not image['records']
    plots = embedded(page, 'plot-data')
    run = read_run(work_dir)
    best = run.best['step']
    assert run.best['mIoU'] == max(line['mIoU'] for line in run.val)
    layout = plots['curves'][0]['figure']['layout']
    marks = {a['text'] for a in layout['annotations']}
    assert any(mark.startswith('best') for mark in marks)
    drawn = plots['class_iou']['data'][0]
    assert drawn['y'] == ['a', 'b', 'c']
    assert f'<b>{best} best</b>' in drawn['x']
    text = ' '.join(page.read_text().split())
    shown = '{mIoU:.1f} % and a boundary IoU of {mBoundaryIoU:.1f} %'
    assert shown.format(**run.best) in text
    assert f'Its checkpoint is best_mIoU_iter_{best}.pth.' in text


@pytest.mark.parametrize(
    'line, text',
    [
        (
            'val_dataloader = test_dataloader = None',
            'was not validated: its config has no val_dataloader.',
        ),
        ('', 'no validation up to iteration 6, and validations are due'),
    ],
)
def test_build_report_says_why_there_is_no_validation(
    work_dir: Path,
    amend: Callable[[str], None],
    quick_page: Callable[..., Path],
    line: str,
    text: str,
) -> None:
    for path in work_dir.glob('*/vis_data/scalars.json'):
        lines = path.read_text().splitlines()
        path.write_text('\n'.join(x for x in lines if 'mIoU' not in x))
    amend(line)

    words = ' '.join(quick_page().read_text().split())

    assert text in words and 'not validated' in words


def write_manifest(run: Run, number: int, **changes: object) -> None:
    path = run.store.folder(number) / 'manifest.json'
    path.write_text(json.dumps(dict(run.store.manifest(number), **changes)))


def test_build_report_marks_rounds_where_they_were_made(
    work_dir: Path, quick_page: Callable[..., Path]
) -> None:
    write_manifest(read_run(work_dir), 2, iteration=5)

    curves = embedded(quick_page(), 'plot-data')['curves']

    lines = {
        line['x0']
        for line in curves[0]['figure']['layout']['shapes']
        if line['line']['dash'] == 'dot'
    }
    assert lines == {2, 5}


def test_build_report_counts_images_without_a_dense_label(
    scribbles: Path, quick_page: Callable[..., Path]
) -> None:
    labels = scribbles / 'dense/deep'
    (labels / '1.png').rename(labels / 'other.png')

    page = quick_page(scribbles / 'dense')

    for sentence in (
        'without a dense label: 1 training images (images/deep/1).',
        'without a training image: 1 dense labels (deep/other.png).',
    ):
        assert sentence in page.read_text()
    images = embedded(page, 'gallery-data')['images']
    assert 'images/deep/1' not in [image['name'] for image in images]


def test_build_report_escapes_names(
    work_dir: Path,
    amend: Callable[[str], None],
    scribbles: Path,
    tmp_path: Path,
    quick_page: Callable[..., Path],
) -> None:
    evil = '</script><img src=x onerror=alert(1)>'
    rounds = read_run(work_dir).store.root.glob('round_*/*/images/deep/0.*')
    for path in [*tmp_path.glob('*/*/deep/0.*'), *rounds]:
        name = evil.replace('/', '&') + path.suffix
        path.rename(path.with_name(name))
    classes = (evil, '"\'', '<b>')
    amend(f"train_dataloader['dataset']['metainfo']['classes'] = {classes}")

    page = quick_page(scribbles / 'dense')

    assert '<img src=x' not in page.read_text()
    gallery = embedded(page, 'gallery-data')
    assert gallery['classes'][0] == evil
    assert any('onerror' in image['name'] for image in gallery['images'])


def test_build_report_shows_unknown_fields_of_records(
    work_dir: Path, quick_page: Callable[..., Path]
) -> None:
    for path in read_run(work_dir).store.root.rglob('records/**/*.json'):
        record = read_record(path)
        for component in record['components']:
            component.update(reason='because', odd=float('nan'))
        write_record(path, record)

    gallery = embedded(quick_page(), 'gallery-data')

    records = gallery['images'][0]['records']
    assert records['round 0'][0]['reason'] == 'because'
    assert records['round 0'][0]['odd'] is None


def test_build_report_training_without_pseudo_labels(
    amend: Callable[[str], None],
    scribbles: Path,
    quick_page: Callable[..., Path],
) -> None:
    amend("train_dataloader['dataset']['pipeline'].pop(2)")

    gallery = embedded(quick_page(scribbles / 'dense'), 'gallery-data')

    assert list(gallery['groups']) == ['random']
    assert names_of_layers(gallery['images'][0]) == ['label', 'truth']


def test_build_report_begins_with_advice(page: Path) -> None:
    text = page.read_text()
    first = text[text.index('<section') : text.index('</section>')]
    assert re.search(
        r'After 6 of 6 iterations the val mIoU is \d+\.\d%', first
    )
    assert first.count('<li>') >= 2


def test_build_report_has_a_row_for_each_kind_of_label(
    work_dir: Path, quick_page: Callable[..., Path]
) -> None:
    assert 'id="kinds"' not in quick_page().read_text()
    run = read_run(work_dir)
    for number, manifest in run.rounds.items():
        counts = manifest['kinds']['weak']
        write_manifest(run, number, kinds=dict(dense=counts, none=counts))

    words = ' '.join(quick_page().read_text().split())

    assert '3 training images (3 dense, 3 unlabelled)' in words
    for kind in ('dense', 'none'):
        assert f'<tr><td>{kind}</td><td>3</td>' in words


def run_out_of_memory(*args: object) -> None:
    raise torch.cuda.OutOfMemoryError


def test_build_report_shows_images_that_cannot_be_predicted(
    work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bands = 'mmseg_sesam.engine.predictor.score_bands'
    monkeypatch.setattr(bands, run_out_of_memory)

    build_report(work_dir, tmp_path / 'report.html')

    page = tmp_path / 'report.html'
    words = ' '.join(page.read_text().split())
    assert 'Training images without a prediction: 3. ' in words
    assert 'deep/0.png does not fit the memory of the GPU; predict' in words
    assert '3 more are left out, such as' in words
    images = embedded(page, 'gallery-data')['images']
    assert len(images) == 3
    assert 'prediction' not in names_of_layers(images[0])
