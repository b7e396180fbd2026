"""The whole check of data sets, and the cheap one before a training."""

from __future__ import annotations

import logging
import os
import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose
from PIL import Image

from mmseg_sesam.datasets.validation import check_lists, validate_datasets

FILES = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_validate_datasets_counts_a_sound_data_set(data) -> None:
    report = validate_datasets(data.cfg, jobs=2)

    assert report.findings == []
    stripe = data.HEIGHT * data.WIDTH // 3
    assert report.as_json() == dict(
        errors=0,
        warnings=0,
        findings=[],
        datasets={
            'train': dict(
                kind=None,
                images=4,
                labels=4,
                without_label=0,
                labelled=pytest.approx(2 / 5),
                pixels=dict.fromkeys(data.classes, 4 * stripe * 2 // 5),
            ),
            'val, test': dict(
                kind=None,
                images=4,
                labels=4,
                without_label=0,
                labelled=1,
                pixels=dict.fromkeys(data.classes, 4 * stripe),
            ),
        },
    )
    rows = [line.split('|')[1:-1] for line in str(report).splitlines()]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) > 1]
    assert cells[1:] == [
        ['train', '4', '4', '0', '40.0%', '3 of 3', '0', '0'],
        ['val, test', '4', '4', '0', '100.0%', '3 of 3', '0', '0'],
    ]


def test_validate_datasets_names_a_killed_process(
    data, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, load = os.getpid(), Image.open

    def end(*args, **kwargs) -> Image.Image:
        """Ends its process as the system does that lacks memory."""
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return load(*args, **kwargs)

    monkeypatch.setattr(Image, 'open', end)
    with pytest.raises(ChildProcessError, match='killed, .* fewer --jobs'):
        validate_datasets(data.cfg, jobs=2)


def test_validate_datasets_test_set_without_labels(data) -> None:
    test = data.cfg.test_dataloader.dataset
    test.pipeline = test.pipeline[:1]
    test.data_prefix = dict(img_path='images')

    report = data.validate()

    assert report.findings == []
    assert report.summaries['test']['labels'] == 0
    row = str(report).splitlines()[-2].replace(' ', '')
    assert row == '|test|4|0||||0|0|'


def test_validate_datasets_config_without_data() -> None:
    with pytest.raises(ValueError, match='no data set for any of train'):
        validate_datasets({'model': {}})


def test_check_lists_sound_data_set_is_silent(
    data, capsys: pytest.CaptureFixture
) -> None:
    check_lists(data.cfg)

    assert capsys.readouterr() == ('', '')


def test_check_lists_relative_data_root(
    data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.root.parent)
    for loader in ('train_dataloader', 'val_dataloader'):
        data.cfg[loader].dataset.data_root = data.root.name
    check_lists(data.cfg)
    assert not data.validate().findings


def test_check_lists_missing_labels_stop_a_run(data) -> None:
    for name in ('a', 'b'):
        (data.root / f'weak/{name}.png').unlink()

    with pytest.raises(ValueError) as stop:
        check_lists(data.cfg)
    text = str(stop.value)
    assert text.startswith('train: labels are missing (2: ')
    assert 'tools/validate_dataset.py' in text and '(1 error so' in text


def test_check_lists_opens_labels_and_decodes_no_image(data) -> None:
    path = data.root / 'images/a.jpg'
    path.write_bytes(path.read_bytes()[:-40])
    check_lists(data.cfg)
    assert data.validate().number('error') == 2

    colours = np.array(data.palette, np.uint8)[data.dense_label()]
    Image.fromarray(colours).save(data.root / 'weak/a.png')
    with pytest.raises(ValueError, match='RGB renderings'):
        check_lists(data.cfg)


def test_check_lists_logs_warnings(
    data, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data.root / 'images/a.jpg').rename(data.root / 'images/a.JPG')
    label = data.weak_label()
    label[label == 255] = 0
    data.save(label)
    logged = []
    monkeypatch.setattr(
        'mmseg_sesam.datasets.validation.check.print_log',
        lambda text, logger, level: logged.append((level, text)),
    )

    check_lists(data.cfg)

    left_out, zero, _ = sorted(logged)
    assert left_out[0] == zero[0] == logging.WARNING
    assert 'images are left out' in left_out[1] + zero[1]
    assert any('0 looks like unlabelled' in text for _, text in logged)


def test_check_lists_does_not_need_the_test_set(data) -> None:
    data.cfg.test_dataloader.dataset.data_root = 'gone'

    check_lists(data.cfg)
    assert data.validate().number('error', 'test') == 1


@FILES
@given(
    content=st.binary(max_size=200), cut=st.floats(0, 1), image=st.booleans()
)
def test_validate_datasets_any_content_gives_a_sentence(
    data, content: bytes, cut: float, image: bool
) -> None:
    path = data.root / ('images/a.jpg' if image else 'weak/a.png')
    sound = path.read_bytes()
    try:
        # A part of the file, then anything.
        path.write_bytes(sound[: int(cut * len(sound))][:-20] + content)
        report = data.validate()
    finally:
        path.write_bytes(sound)

    for finding in report.findings:
        assert '\n' not in str(finding) and str(finding).endswith('.')
    if cut < 0.5:
        assert report.number('error', 'train') == 1


@FILES
@given(
    ids=st.lists(st.integers(0, 255), min_size=1, max_size=4),
    kind=st.sampled_from(['L', 'P', 'RGB', 'I;16', '1', 'LA']),
    reduce_zero_label=st.booleans(),
    wide=st.booleans(),
)
def test_validate_datasets_error_if_and_only_if_training_stops(
    data, ids: list[int], kind: str, reduce_zero_label: bool, wide: bool
) -> None:
    train = data.train
    train.reduce_zero_label = reduce_zero_label
    data.list_names('a')
    label = data.weak_label()[:, : data.WIDTH if wide else data.WIDTH - 1]
    label[: len(ids)] = np.array(ids, np.uint8)[:, None]
    label[10:] = 1
    image = Image.fromarray(label)
    if kind == 'P':
        image.putpalette(sum(map(list, data.palette), []) + [0] * 759)
    elif kind != 'L':
        image = image.convert(kind)
    image.save(data.root / 'weak/a.png')
    load = Compose(train.pipeline[:2])
    results = dict(
        img_path=str(data.root / 'images/a.jpg'),
        seg_map_path=str(data.root / 'weak/a.png'),
        label_map=None,
        reduce_zero_label=reduce_zero_label,
        seg_fields=[],
    )
    try:
        label = load(results)['gt_seg_map']
        stops = not (label != 255).any()
    except ValueError:
        stops = True

    report = data.validate()

    assert bool(report.number('error', 'train')) == stops, report
