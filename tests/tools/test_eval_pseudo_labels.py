"""Measuring pseudo-labels from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.store.store import (
    CONFIDENT,
    LABELS,
    PseudoLabelStore,
)

# By image, ten pixels: five of class 0, three of class 1, two void.
TRUTH = [[0, 0, 0, 0, 0], [1, 1, 1, 255, 255]]
PSEUDO = {
    'town/a': [[0, 0, 0, 1, 255], [1, 255, 0, 0, 255]],
    'b': [[0, 0, 0, 0, 0], [255, 255, 255, 1, 1]],
}


def write(path: Path, label: list | np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(label, np.uint8)).save(path)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Folders pseudo and gt with labels of two images."""
    for name, label in PSEUDO.items():
        write(tmp_path / 'pseudo' / f'{name}.png', label)
        write(tmp_path / 'gt' / f'{name}.png', TRUTH)
    return tmp_path


@pytest.fixture
def evaluate(run_here, folders: Path) -> Callable[..., tuple[int, str]]:
    """Runs the tool in this process; gives exit code and output."""

    def run_tool(*words: object) -> tuple[int, str]:
        words = words or (folders / 'pseudo', folders / 'gt')
        done = run_here('eval_pseudo_labels.py', *words, '--num-classes', 2)
        return done.returncode, done.stdout

    return run_tool


def approx(share: float) -> object:
    return pytest.approx(share)


def test_eval_equals_a_count_by_hand(
    run, folders: Path, project_root: Path
) -> None:
    store = PseudoLabelStore(folders / 'store')
    for number in range(2):
        store.begin(number, {})
        for name, label in PSEUDO.items():
            label = np.array(label if number else TRUTH, np.uint8)
            maps = {LABELS: label, CONFIDENT: label}
            store.stage(number, f'images/{name}', maps, [])
        store.commit(number, {})

    done = run(
        sys.executable,
        project_root / 'tools/eval_pseudo_labels.py',
        store.root,
        folders / 'gt',
        '--num-classes=3',
        '--json',
        folders / 'numbers.json',
    )

    assert done.returncode == 0, done.stdout
    text = (folders / 'numbers.json').read_text()
    assert 'NaN' not in text
    result = json.loads(text)
    assert result['images'] == 2
    assert result['quality'] == dict(
        coverage=approx(11 / 16),
        precision=approx(9 / 11),
        recall=approx(9 / 16),
        iou=approx((8 / 11 + 1 / 7) / 2),
        classes=dict(
            coverage=[approx(9 / 10), approx(2 / 6), None],
            precision=[approx(8 / 9), approx(1 / 2), None],
            recall=[approx(8 / 10), approx(1 / 6), None],
            iou=[approx(8 / 11), approx(1 / 7), None],
        ),
    )
    rows = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in done.stdout.splitlines()
        if line.startswith('| all')
    ]
    assert rows == [['all', '68.8', '81.8', '56.2', '43.5']]


def test_eval_with_suffixes(evaluate, folders: Path) -> None:
    for name in PSEUDO:
        for folder, end in (('pseudo', '_leftImg8bit'), ('gt', '_ids')):
            path = folders / folder / f'{name}.png'
            path.rename(path.with_name(f'{path.stem}{end}.png'))
    words = [folders / 'pseudo', folders / 'gt', '--gt-suffix']

    code, said = evaluate(*words, '_leftImg8bit', '_ids')
    assert code == 0 and 'pseudo-labels (2 images' in said

    code, said = evaluate(*words, '_leftImg8bit', '_wrong')
    assert code == 1
    assert f'{folders / "gt"} holds no label for b_leftImg8bit.png' in said
    assert 'b_wrong.png' in said and '--gt-suffix' in said


def test_eval_with_ids_from_one(evaluate, folders: Path) -> None:
    words = [folders / 'pseudo', folders / 'gt']
    expected = evaluate(*words)
    for path in folders.glob('gt/**/*.png'):
        # 255 becomes 0.
        write(path, np.array(Image.open(path)) + np.uint8(1))

    assert evaluate(*words)[0] == 1
    assert evaluate(*words, '--reduce-zero-label') == expected


@pytest.mark.parametrize(
    'path, label, found',
    [
        ('gt/b.png', np.zeros((3, 5)), '(2, 5) and the truth (3, 5)'),
        ('pseudo/b.png', np.full((2, 5), 9), 'label holds the class ids [9]'),
    ],
)
def test_eval_names_labels_of_other_sizes_or_classes(
    evaluate, folders: Path, path: str, label: np.ndarray, found: str
) -> None:
    write(folders / path, label)

    code, said = evaluate()

    assert code == 1
    assert said.startswith('eval_pseudo_labels.py: ')
    assert said.count('\n') == 1
    assert str(folders / path) in said and found in said


def test_eval_names_labels_without_counterpart(
    evaluate, folders: Path
) -> None:
    (folders / 'gt/town/a.png').unlink()
    for name in 'cdefg':
        write(folders / f'gt/{name}.png', TRUTH)
    numbers = folders / 'numbers.json'

    code, said = evaluate(
        folders / 'pseudo', folders / 'gt', '--json', numbers
    )

    assert code == 0
    assert said.splitlines()[:4] == [
        'Left out, without a dense label: 1 pseudo-labels (town/a.png).',
        'Left out, without a pseudo-label: 5 dense labels '
        '(c.png, d.png, e.png and 2 more).',
        '',
        'pseudo-labels (1 images, %)',
    ]
    result = json.loads(numbers.read_text())
    assert result['images'] == 1
    assert result['without dense label'] == ['town/a.png']
    assert len(result['without pseudo-label']) == 5


def test_eval_never_measures_dense_labels_against_themselves(
    evaluate, folders: Path
) -> None:
    expected = evaluate()

    assert evaluate(folders, folders / 'gt') == expected

    code, said = evaluate(folders / 'gt/town', folders / 'gt/town')
    assert code == 1
    assert 'holds only the dense labels of' in said


def test_eval_takes_pseudo_labels_below_the_dense_labels(
    evaluate, folders: Path
) -> None:
    for name, label in PSEUDO.items():
        write(folders / f'gt/round/{name}.png', label)
    code, said = evaluate(folders / 'gt/round', folders / 'gt')

    assert code == 0
    assert said.endswith(evaluate()[1])


def test_eval_rejects_empty_folders(evaluate, folders: Path) -> None:
    for folder in (folders / 'gone', folders / 'pseudo/town'):
        (folders / 'pseudo/town/a.png').unlink(missing_ok=True)
        code, said = evaluate(folder, folders / 'gt')

        assert code == 1
        assert f'{folder} holds no PNG or TIFF files; give' in said


def test_eval_rejects_a_missing_folder_of_json(
    evaluate, folders: Path
) -> None:
    words = [folders / 'gone', folders / 'gt', '--json']
    code, said = evaluate(*words, folders / 'nowhere/numbers.json')

    assert code == 2
    assert f'--json: {folders / "nowhere"} is not a folder' in said


def test_eval_rejects_numbers_of_classes_without_a_class(
    evaluate, folders: Path
) -> None:
    for number in (0, -1, 256, 'x'):
        words = [folders / 'pseudo', folders / 'gt', f'--num-classes={number}']
        code, said = evaluate(*words)
        assert code == 2
        assert f'{number} is no number of classes: give 1 to 255' in said


def test_eval_reads_labels_of_any_suffix(evaluate, folders: Path) -> None:
    expected = evaluate()
    assert expected[0] == 0
    for folder, suffix in (('pseudo', '.tif'), ('gt', '.TIFF')):
        for path in sorted((folders / folder).rglob('*.png')):
            Image.open(path).save(path.with_suffix(suffix))
            path.unlink()
        assert evaluate() == expected
