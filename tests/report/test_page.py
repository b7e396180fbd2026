"""The report of a real, small training, read and looked at."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from mmseg.apis import inference_model, init_model
from PIL import Image

from mmseg_sesam.report import build_report
from mmseg_sesam.report.gallery import choose_images
from mmseg_sesam.report.images import (
    Labelled,
    TrainingImages,
)
from mmseg_sesam.report.layers import encode_images
from mmseg_sesam.report.measure import Score, measure
from mmseg_sesam.report.predict import predict
from mmseg_sesam.report.run import Run, read_run
from mmseg_sesam.report.settings import list_settings


def embedded(page: Path, name: str) -> dict[str, Any]:
    text = re.search(
        f'<script type="application/json" id="{name}">(.*?)</script>',
        page.read_text(),
        re.DOTALL,
    )[1]
    return json.loads(text, parse_constant=pytest.fail)


def names_of_layers(image: dict[str, Any]) -> list[str]:
    return [layer['name'] for layer in image['layers']]


def test_the_page_holds_the_run(
    work_dir: Path, scribbles: Path, tmp_path: Path
) -> None:
    page = tmp_path / 'report.html'

    build_report(work_dir, page, scribbles / 'dense')

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
    validation = plots['curves'][0]['figure']['data'][0]
    assert (validation['name'], validation['x']) == ('mIoU', [3, 6])
    diagonal = np.diag(plots['confusion']['data'][0]['z'])
    assert (diagonal > 90).all()
    assert page.stat().st_size < 15e6


def test_measures_agree_with_the_labels(
    work_dir: Path, scribbles: Path
) -> None:
    run = read_run(work_dir)
    images = TrainingImages(run, scribbles / 'dense')

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


def write_manifest(run: Run, number: int, **changes: object) -> None:
    path = run.store.folder(number) / 'manifest.json'
    path.write_text(json.dumps(dict(run.store.manifest(number), **changes)))


def test_rounds_of_others_in_the_store_are_left_out(
    work_dir: Path, tmp_path: Path
) -> None:
    run = read_run(work_dir)
    assert list(run.rounds) == [0, 1, 2]

    # A twin has begun, and another run has gone beyond.
    run.store.publish(0)
    assert list(read_run(work_dir).rounds) == [0, 1, 2]
    write_manifest(run, 2, work_dir=str(tmp_path / 'twin'))
    assert list(read_run(work_dir).rounds) == [0, 1]
    write_manifest(run, 1, iteration=7)
    assert list(read_run(work_dir).rounds) == [0]


def test_rounds_are_marked_where_they_were_made(
    work_dir: Path, tmp_path: Path
) -> None:
    write_manifest(read_run(work_dir), 2, iteration=5)
    page = tmp_path / 'report.html'

    build_report(work_dir, page, with_predictions=False)

    layout = embedded(page, 'plot-data')['curves'][0]['figure']['layout']
    lines = {
        line['x0']
        for line in layout['shapes']
        if line['line']['dash'] == 'dot'
    }
    assert lines == {2, 5}


def test_dense_labels_are_read_as_the_data_set_reads_them(
    work_dir: Path, amend: Callable[[str], None], scribbles: Path
) -> None:
    expected = [
        image.truth
        for image in map(
            TrainingImages(
                read_run(work_dir), scribbles / 'dense'
            ).__getitem__,
            range(3),
        )
    ]
    for path in scribbles.glob('dense/deep/*.png'):
        ids = np.array(Image.open(path)) + np.uint8(1)
        Image.fromarray(ids).save(path)
    for path in scribbles.glob('weak/deep/*.png'):
        ids = np.array(Image.open(path)) + np.uint8(1)
        Image.fromarray(ids).save(path)
    amend("train_dataloader['dataset']['reduce_zero_label'] = True")

    images = TrainingImages(read_run(work_dir), scribbles / 'dense')
    for index, truth in enumerate(expected):
        assert (images[index].truth == truth).all()
        assert set(np.unique(images[index].weak)) == {0, 1, 2, 255}


def test_images_without_a_dense_label_are_counted_on_the_page(
    work_dir: Path, scribbles: Path, tmp_path: Path
) -> None:
    labels = scribbles / 'dense/deep'
    (labels / '1.png').rename(labels / 'other.png')
    page = tmp_path / 'report.html'

    build_report(work_dir, page, scribbles / 'dense', with_predictions=False)

    for sentence in (
        'without a dense label: 1 training images (images/deep/1).',
        'without a training image: 1 dense labels (deep/other.png).',
    ):
        assert sentence in page.read_text()
    names = [
        image['name'] for image in embedded(page, 'gallery-data')['images']
    ]
    assert 'images/deep/1' not in names


def test_settings_are_those_that_made_the_rounds(work_dir: Path) -> None:
    settings = list_settings(read_run(work_dir))

    assert settings['segmenter'].startswith('SuperpixelSegmenter')
    # A default, which no config names.
    assert 'max_rejected_share=0.8' in settings['selector']


def test_several_processes_predict_what_one_does(work_dir: Path) -> None:
    run = read_run(work_dir)
    run.cfg.pop('test_dataloader')
    paths = TrainingImages(run).paths

    predictions = list(predict(run, paths, jobs=2))
    assert len(predictions) == len(paths)

    run.cfg.test_pipeline = run.cfg.val_dataloader.dataset.pipeline
    model = init_model(run.cfg, str(run.checkpoint), device='cpu')
    for path, prediction in zip(paths, predictions):
        label = inference_model(model, path).pred_sem_seg.data[0]
        assert (prediction == label.numpy()).all()


def rounds_of(root: Path, name: str) -> list[Path]:
    """All that the rounds hold of an image."""
    return list(root.glob(f'pseudo/round_*/*/images/deep/{name}.*'))


def test_names_cannot_break_out_of_the_page(
    work_dir: Path,
    amend: Callable[[str], None],
    scribbles: Path,
    tmp_path: Path,
) -> None:
    evil = '</script><img src=x onerror=alert(1)>'
    for path in [*tmp_path.glob('*/*/deep/0.*'), *rounds_of(tmp_path, '0')]:
        name = evil.replace('/', '&') + path.suffix
        path.rename(path.with_name(name))
    classes = (evil, '"\'', '<b>')
    amend(f"train_dataloader['dataset']['metainfo']['classes'] = {classes}")
    page = tmp_path / 'report.html'

    build_report(work_dir, page, scribbles / 'dense', with_predictions=False)

    assert '<img src=x' not in page.read_text()
    gallery = embedded(page, 'gallery-data')
    assert gallery['classes'][0] == evil
    assert any('onerror' in image['name'] for image in gallery['images'])


def test_unknown_fields_of_records_are_shown(
    work_dir: Path, tmp_path: Path
) -> None:
    page = tmp_path / 'report.html'
    for path in (tmp_path / 'pseudo').rglob('records/**/*.json'):
        records = json.loads(path.read_text())
        for record in records:
            record.update(reason='because', odd=float('nan'))
        path.write_text(json.dumps(records))

    build_report(work_dir, page, with_predictions=False)

    records = embedded(page, 'gallery-data')['images'][0]['records']
    assert records['round 0'][0]['reason'] == 'because'
    assert records['round 0'][0]['odd'] is None


def test_a_training_without_pseudo_labels(
    work_dir: Path,
    amend: Callable[[str], None],
    scribbles: Path,
    tmp_path: Path,
) -> None:
    amend("train_dataloader['dataset']['pipeline'].pop(2)")
    page = tmp_path / 'report.html'

    build_report(work_dir, page, scribbles / 'dense', with_predictions=False)

    gallery = embedded(page, 'gallery-data')
    assert list(gallery['groups']) == ['random']
    assert names_of_layers(gallery['images'][0]) == ['label', 'truth']


def test_what_a_resumed_run_did_again_counts_once(
    work_dir: Path,
) -> None:
    first = next(work_dir.glob('*/vis_data'))
    later = work_dir / '99991231_235959' / 'vis_data'
    later.mkdir(parents=True)
    config = (first / 'config.py').read_text()
    (later / 'config.py').write_text(f'{config}\nresume = True\n')
    lines = [dict(loss=9.0, step=step) for step in (5, 6, 7)]
    text = '\n'.join(map(json.dumps, lines))
    (later / 'scalars.json').write_text(text + '\n{"loss": 1')

    run = read_run(work_dir)

    assert [line['step'] for line in run.train] == [1, 2, 3, 4, 5, 6, 7]
    assert [line['loss'] for line in run.train[4:]] == [9, 9, 9]
    assert [line['step'] for line in run.val] == [3]

    (later / 'config.py').write_text(config)
    assert [line['step'] for line in read_run(work_dir).train] == [5, 6, 7]


def test_thin_scribbles_survive_reduction() -> None:
    weak = np.full((1030, 1500), 255, np.uint8)
    weak[:, 701] = 3
    image = np.zeros((*weak.shape, 3), np.uint8)
    encoded = encode_images(
        Labelled(image, weak, {}, None, None, {}), prediction=None
    )

    width, height = encoded['shape']
    data = zlib.decompress(base64.b64decode(encoded['layers'][0]['data']))
    label = np.frombuffer(data, np.uint8).reshape(height, width)
    assert (width, height) == (512, 352)
    assert ((label == 3).sum(axis=1) == 1).all()


def test_groups_are_ranked() -> None:
    values = np.linspace(0, 1, 20)
    scores = {i: Score(v, 0.1 * (i == 7)) for i, v in enumerate(values)}
    scores[20] = Score(float('nan'), 0.2)

    groups = choose_images(range(30), scores)

    assert groups['worst'] == list(range(8))
    assert groups['best'] == list(range(19, 11, -1))
    assert groups['most changed'] == [20, 7]
    assert len(set(groups['random'])) == 8


def test_images_that_torch_reads_with_threads_are_measured(
    work_dir: Path, scribbles: Path, tmp_path: Path, project_root: Path
) -> None:
    # Torch shares out the copies of large images alone, and the other tests
    # have one thread.
    for path in tmp_path.rglob('deep/*.png'):
        with Image.open(path) as image:
            size = [8 * side for side in image.size]
            image.resize(size, Image.Resampling.NEAREST).save(path)
    tool = project_root / 'tools' / 'report.py'

    done = subprocess.run(
        [
            *(sys.executable, tool, work_dir, '--jobs', '2'),
            *('--gt-dir', scribbles / 'dense', '--no-predictions'),
        ],
        env={**os.environ, 'OMP_NUM_THREADS': '2'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A process that waits for threads it has not waits forever.
        timeout=300,
    )

    assert done.returncode == 0, done.stdout
    assert (work_dir / 'report.html').is_file()


def test_errors_name_the_remedy(
    work_dir: Path, scribbles: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match='give the work_dir of tools'):
        build_report(scribbles, tmp_path / 'report.html')
    with pytest.raises(FileNotFoundError, match='holds no label for'):
        build_report(work_dir, tmp_path / 'report.html', work_dir)
    scribbles.rename(tmp_path / 'elsewhere')
    with pytest.raises(FileNotFoundError, match='where the training was'):
        build_report(work_dir, tmp_path / 'report.html')
    assert not (tmp_path / 'report.html').exists()


def test_the_page_in_a_browser(
    work_dir: Path,
    scribbles: Path,
    tmp_path: Path,
    browser: Any,
) -> None:
    page = tmp_path / 'report.html'
    build_report(work_dir, page, scribbles / 'dense')

    browser.get(page.as_uri())
    wait_for(browser, 'document.getElementById("stage").dataset.shown')
    assert browser.get_log('browser') == []

    layers_toggle(browser)
    the_gallery_moves(browser)
    validation_images_show(browser)
    the_record_of_a_component_shows(browser)
    the_table_sorts(browser)
    fits_a_phone(browser)
    follows_the_dark(browser)
    assert browser.find_elements('css selector', '.plot .main-svg')
    # Reading the canvas, as this test does, earns a warning.
    levels = [entry['level'] for entry in browser.get_log('browser')]
    assert 'SEVERE' not in levels


def wait_for(browser: Any, expression: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    script = f'return {expression}'
    return WebDriverWait(browser, 20).until(
        lambda window: window.execute_script(script)
    )


def painted(browser: Any) -> int:
    """Opaque pixels of the labels on the stage."""
    return browser.execute_script(
        'const canvas = document.getElementById("labels");'
        'const data = canvas.getContext("2d").getImageData('
        '0, 0, canvas.width, canvas.height).data;'
        'return data.filter((value, i) => i % 4 == 3 && value).length'
    )


def press(browser: Any, key: str) -> None:
    browser.find_element('tag name', 'body').send_keys(key)


def layers_toggle(browser: Any) -> None:
    before = painted(browser)
    assert before > 0.9 * 40 * 48
    press(browser, '0')
    assert painted(browser) == 0
    browser.find_element('css selector', '[data-layer="weak label"]').click()
    assert painted(browser) == 3 * 24
    press(browser, '1')
    press(browser, '6')
    assert painted(browser) == 40 * 48
    press(browser, 'd')
    assert painted(browser) < 0.1 * 40 * 48
    press(browser, 'd')
    legend = browser.find_element('css selector', '[data-class="1"]')
    legend.click()
    assert 0 < painted(browser) < 40 * 48
    legend.click()


def the_gallery_moves(browser: Any) -> None:
    shown = 'document.getElementById("stage").dataset.shown'
    first = browser.execute_script(f'return {shown}')
    press(browser, '\ue014')
    second = wait_for(browser, f'{shown} != "{first}" && {shown}')
    press(browser, '\ue012')
    wait_for(browser, f'{shown} == "{first}"')
    browser.find_element('css selector', '[data-group="best"]').click()
    wait_for(browser, f'{shown} != "{first}"')
    assert second != first


def validation_images_show(browser: Any) -> None:
    shown = 'document.getElementById("stage").dataset.shown'
    group = '[data-group="validation, worst"]'
    # Of the layers on, leaves a round alone.
    press(browser, '6')
    press(browser, '4')
    browser.find_element('css selector', group).click()
    wait_for(browser, f'{shown}.includes("/data/")')
    # No round is there, so that the prediction shows in its place.
    assert painted(browser) == 40 * 48
    button = browser.find_element('css selector', '[data-layer=prediction]')
    assert button.get_attribute('aria-pressed') == 'true'
    press(browser, 'd')
    chosen = browser.find_element('css selector', '#compare option:checked')
    assert chosen.text == 'prediction against truth'
    press(browser, 'd')
    browser.find_element('css selector', '[data-group="best"]').click()
    wait_for(browser, f'!{shown}.includes("/data/")')


def the_record_of_a_component_shows(browser: Any) -> None:
    from selenium.webdriver import ActionChains

    press(browser, 'p')
    assert browser.find_elements('css selector', '#prompts .dot')
    stage = browser.find_element('id', 'stage')
    ActionChains(browser).move_to_element(stage).perform()
    text = browser.find_element('id', 'record').text
    assert 'coverage' in text and 'masks chosen' in text
    assert browser.find_elements('css selector', '#prompts rect')
    under = browser.find_element('css selector', 'span[data-layer="truth"]')
    assert under.text in 'abc'


def the_table_sorts(browser: Any) -> None:
    table = browser.find_element('css selector', 'table.sortable')
    column = table.find_elements('tag name', 'th')
    number = [cell.text for cell in column].index('weak pixels')
    button = column[number].find_element('tag name', 'button')

    def values() -> list[float]:
        rows = table.find_elements('css selector', 'tbody tr')
        cells = [row.find_elements('tag name', 'td')[number] for row in rows]
        return [float(cell.get_attribute('data-value')) for cell in cells]

    browser.execute_script('arguments[0].click()', button)
    assert values() == sorted(values(), reverse=True)
    assert column[number].get_attribute('aria-sort') == 'descending'
    browser.execute_script('arguments[0].click()', button)
    assert values() == sorted(values())


def fits_a_phone(browser: Any) -> None:
    metrics = dict(width=390, height=800, deviceScaleFactor=2, mobile=True)
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)
    width = 'document.documentElement.scrollWidth'
    assert wait_for(browser, f'{width} == 390')
    # Plots keep their height when the window is resized.
    heights = (
        '[...document.querySelectorAll(".plot")].map(p => p.offsetHeight)'
    )
    wait_for(browser, f'{heights}.every(height => height > 90)')


def follows_the_dark(browser: Any) -> None:
    feature = dict(name='prefers-color-scheme', value='dark')
    browser.execute_cdp_cmd(
        'Emulation.setEmulatedMedia', dict(features=[feature])
    )
    colour = 'getComputedStyle(document.body).backgroundColor'
    assert browser.execute_script(f'return {colour}') == 'rgb(21, 21, 20)'
