"""Labelling in rounds, as suggested and at random."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Callable

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmseg.visualization import SegLocalVisualizer

from benchmarks.suggestions.__main__ import make_parser, run
from benchmarks.suggestions.report import load_results, write_table


def write_result(
    folder: Path, strategy: str, seed: int, index: int, miou: float
) -> None:
    result = dict(
        set='camvid',
        steps=4,
        strategy=strategy,
        seed=seed,
        round=index,
        minutes=5.3 * (index + 1),
        val=[dict(miou=0), dict(miou=miou)],
    )
    path = folder / f'{strategy}-s4-seed{seed}-round{index}.json'
    path.write_text(json.dumps(result))


def test_write_table_compares_rounds(tmp_path: Path) -> None:
    write_result(tmp_path, 'first', 0, 0, 30)
    write_result(tmp_path, 'random', 0, 1, 40)
    write_result(tmp_path, 'random', 1, 1, 40)
    write_result(tmp_path, 'suggest', 0, 1, 42)
    write_result(tmp_path, 'suggest', 1, 1, 44)
    # Seed 1 has no random one to be compared with.
    write_result(tmp_path, 'random', 0, 2, 45)
    write_result(tmp_path, 'suggest', 0, 2, 46)
    write_result(tmp_path, 'suggest', 1, 2, 99)
    other = json.loads((tmp_path / 'first-s4-seed0-round0.json').read_text())
    # Trainings of another set are another table.
    (tmp_path / 'voc.json').write_text(json.dumps({**other, 'set': 'voc'}))

    results = load_results(tmp_path)

    assert [*results] == [('camvid', 4), ('voc', 4)]
    lines = write_table(results['camvid', 4]).splitlines()

    assert lines[2:] == [
        '| 5 | 30.0 (1 seed) | 30.0 (1 seed) |',
        '| 11 | 40.0 (40.0, 40.0) | 43.0 (42.0, 44.0) |',
        '| 16 | 45.0 (1 seed) | 46.0 (1 seed) |',
    ]


def test_page_has_the_tables_of_the_results(project_root: Path) -> None:
    results = load_results(project_root / 'benchmarks/suggestions/results')
    page = (project_root / 'docs/correct_labels.md').read_text()
    for runs in results.values():
        assert write_table(runs) in page


def test_published_rounds_label_images_in_addition(
    project_root: Path,
) -> None:
    labelled = {}
    for path in (project_root / 'benchmarks/suggestions/results').iterdir():
        run = json.loads(path.read_text())
        key = run['set'], run['strategy'], run['seed'], run['round']
        labelled[key] = {*run['images']}
    later = [key for key in labelled if key[-1]]
    assert later
    for name, strategy, seed, index in later:
        before = strategy if index > 1 else 'first'
        earlier = labelled[name, before, seed, index - 1]
        assert earlier < labelled[name, strategy, seed, index]


@pytest.mark.slow
def test_run_labels_what_is_suggested(
    write_camvid: Callable[[Iterable[str]], None], tmp_path: Path
) -> None:
    write_camvid(f'{i:02}' for i in range(50))
    options = ['--rounds=2', '--steps=5', '--data=data']
    words = ['--results=results', 'run', 'camvid', 'suggest', *options]

    run(make_parser().parse_args(words))

    for manager in (MMLogger, MessageHub, SegLocalVisualizer):
        manager._instance_dict.clear()
    first, second = (
        json.loads((tmp_path / 'results' / f'{name}.json').read_text())
        for name in (
            'camvid-first-s5-seed0-round0',
            'camvid-suggest-s5-seed0-round1',
        )
    )
    held = {*range(20, 30)}
    assert len(first['images']) == 1 and not held & {*first['images']}
    assert len(second['images']) == 2 and not held & {*second['images']}
    assert {*first['images']} < {*second['images']}
    assert second['val'][-1]['step'] == 5

    # As if another machine had suggested another image.
    other = min({*range(20)} - {*second['images']})
    second['images'] = sorted([*first['images'], other])
    path = tmp_path / 'results/camvid-suggest-s5-seed0-round1.json'
    path.write_text(json.dumps(second))
    options = ['--rounds=3', '--steps=5', '--data=data']
    words = ['--results=results', 'run', 'camvid', 'suggest', *options]
    run(make_parser().parse_args(words))
    for manager in (MMLogger, MessageHub, SegLocalVisualizer):
        manager._instance_dict.clear()
    path = tmp_path / 'results/camvid-suggest-s5-seed0-round2.json'
    third = json.loads(path.read_text())
    assert {*second['images']} < {*third['images']}


def test_run_tells_that_the_network_of_a_result_is_gone(
    write_camvid: Callable[[Iterable[str]], None], tmp_path: Path
) -> None:
    write_camvid(f'{i:02}' for i in range(50))
    results = tmp_path / 'results'
    results.mkdir()
    first = results / 'camvid-first-s5-seed0-round0.json'
    first.write_text('{"images": [3]}')
    options = ['--steps=5', '--data=data', '--out=gone']
    words = [f'--results={results}', 'run', 'camvid', 'suggest', *options]

    with pytest.raises(SystemExit, match='give a new folder as --results'):
        run(make_parser().parse_args(words))
