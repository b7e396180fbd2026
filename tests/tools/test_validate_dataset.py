"""Checks of data sets from the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image


def test_validate_dataset_sound_data_set(run_here, tiny_config: Path) -> None:
    done = run_here(
        *('validate_dataset.py', tiny_config, '--jobs=2'),
        *('--cfg-options', 'test_dataloader=None'),
    )

    assert done.returncode == 0, done.stdout
    assert '| train    |      4 |      4 |' in done.stdout
    assert 'error:' not in done.stdout and 'warning:' not in done.stdout


def test_validate_dataset_writes_errors(run_here, tiny_config: Path) -> None:
    root = tiny_config.parent
    for index in (1, 3):
        label = np.full((64, 64), 9, np.uint8)
        Image.fromarray(label).save(root / f'labels/{index}.png')
    (root / 'images/2.jpg').write_text('<html>')
    # A name that a terminal cannot show.
    name = os.fsdecode(b'\xff.jpg')
    (root / 'images/0.jpg').rename(root / 'images' / name)

    json_file = root / 'report.json'
    done = run_here('validate_dataset.py', tiny_config, '--json', json_file)

    assert done.returncode == 1
    assert 'Traceback' not in done.stdout
    assert f'images cannot be decoded whole (1: {root}' in done.stdout
    report = json.loads(json_file.read_text())
    assert report['errors'] == 3 and report['warnings'] == 0
    found = {
        finding['problem']: finding['files'] for finding in report['findings']
    }
    labels = [str(root / f'labels/{index}.png') for index in (1, 3)]
    ids = 'labels hold the ids 9, expected ids below 2, or 255 for unlabelled'
    assert found == {
        'labels are missing': [str(root / 'labels' / name)[:-3] + 'png'],
        'images cannot be decoded whole': [
            f'{root}/images/2.jpg: cannot identify image file'
        ],
        f'{ids} pixels': labels,
    }


def test_validate_dataset_prints_before_it_writes(
    run_here, tiny_config: Path
) -> None:
    done = run_here(
        *('validate_dataset.py', tiny_config, '--jobs=1'),
        *('--json', '/dev/full'),
    )
    assert done.returncode == 1
    assert '| data set ' in done.stdout
    assert '/dev/full cannot be written' in done.stdout.splitlines()[-1]


def test_validate_dataset_refuses_wrong_arguments(
    refusal, run_here, tiny_config: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'gone/a.json'
    text = refusal('validate_dataset.py', tiny_config, '--json', out)
    assert f'--json: {tmp_path}/gone is not a folder' in text
    text = refusal('validate_dataset.py', tiny_config, '--json', tmp_path)
    assert f'--json: {tmp_path} is a folder: give the path of a file' in text
    text = refusal('validate_dataset.py', tiny_config, '--jobs', 0)
    assert '--jobs: 0 is no number of processes' in text

    (tmp_path / 'empty.py').write_text('model = dict()\n')
    done = run_here('validate_dataset.py', tmp_path / 'empty.py')
    assert done.returncode == 1
    text = done.stdout.splitlines()[-1]
    assert text.startswith('validate_dataset: The config has no data set')
