"""The price of annotations from the command line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest


def rows(printed: str) -> dict[str, list[str]]:
    """Cells of the printed table, by the kind that they are about."""
    lines = [line for line in printed.splitlines() if '|' in line]
    cells = [[c.strip() for c in line.split('|')[1:-1]] for line in lines]
    return {first: rest for first, *rest in cells}


def test_annotation_cost_of_images_and_hours(run, project_root: Path) -> None:
    done = run(
        sys.executable,
        project_root / 'tools/annotation_cost.py',
        '--images=2000',
        '--hours=10',
        '--rate=voc-point=18',
        '--rate=voc-full=240',
    )
    assert done.returncode == 0, done.stdout
    table = rows(done.stdout)

    assert table['kind'][1:4] == [
        'hours for 2,000 images',
        'images in 10 hours',
        'of the images',
    ]
    assert table['cityscapes-fine'][:4] == ['5400', '3,000.0', '6', '0.3%']
    assert table['voc-scribble'][:4] == ['34.9', '19.4', '1,031', '51.5%']
    assert table['voc-point'] == ['18', '10.0', '2,000', '100.0%', 'yours']
    assert table['voc-full'][0] == '240'
    assert 'Bearman' in table['voc-scribble'][-1]


@pytest.mark.parametrize(
    ('option', 'column'), [('--images=10', 'hours'), ('--hours=3', 'images')]
)
def test_annotation_cost_of_images_or_hours(
    run_here, option: str, column: str
) -> None:
    table = rows(run_here('annotation_cost.py', option).stdout)

    assert len(table['kind']) == 3 and column in table['kind'][1]


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        ([], 'give --images, --hours or both'),
        (['--plan=0'], '0 is no finite number above 0'),
        (['--plan=1', '--hours=2'], 'give one of them'),
        (['--images=0'], '0 is no number of images: give 1 or more'),
        (['--hours=nan'], 'nan is no finite number above 0'),
        (['--hours=1', '--rate=voc-box=3'], "no kind 'voc-box'"),
        (['--hours=1', '--rate=voc-point'], 'is not like voc-scribble=34.9'),
        (['--hours=1', '--rate=voc-point=0'], 'seconds of work'),
    ],
)
def test_annotation_cost_rejects_other_arguments(
    refusal, words: list[str], said: str
) -> None:
    assert said in refusal('annotation_cost.py', *words)


def test_annotation_cost_plans_hours(run_here) -> None:
    words = '--images=100', '--rate', 'voc-scribble=36'

    done = run_here('annotation_cost.py', '--plan=10', *words)
    few = run_here('annotation_cost.py', '--plan=0.1', *words)

    assert rows(done.stdout)['100 scribble'][0] == '1.0'
    said = ' '.join(done.stdout.split('For 10 hours')[1].split())
    assert said.startswith('and 100 images: ') and '(10.0 hours)' in said
    assert 'CamVid' in said and 'an extrapolation' in said
    assert 'scribble 36 s [yours]' in said
    assert '10 scribble' in few.stdout
    assert 'no more hours' not in ' '.join(few.stdout.split())


def test_annotation_cost_plan_names_what_numbers_of_labels_gave(
    run_here,
) -> None:
    done = run_here('annotation_cost.py', '--plan=2', '--images=10000')

    said = ' '.join(done.stdout.split('For 2 hours')[1].split())
    assert said.startswith('and 10,000 images: labels of one kind for fewer')
    assert '1 dense 20.6, 17 coarse 42.9, 206 scribble 52.1, 325 p' in said
    assert 'an extrapolation' in said


def test_annotation_cost_plan_warns_of_rates_that_do_not_compare(
    run_here,
) -> None:
    plan = run_here('annotation_cost.py', '--plan=20')
    said = ' '.join(plan.stdout.split())
    assert 'do not compare' in said
    (advised,) = re.findall(r'\((--rate .*?)\)', said)
    assert advised == '--rate cityscapes-fine=239.7'

    again = run_here('annotation_cost.py', '--plan=20', *advised.split())
    assert 'dense 239.7 s [yours]' in ' '.join(again.stdout.split())
    assert 'do not compare' not in again.stdout
    assert rows(again.stdout)['367 dense'][0] == '24.4'
