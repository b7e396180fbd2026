"""Simulating weak labels from the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.core.weak_labels import WeakLabelSimulator
from mmseg_sesam.datasets import SimulateWeakLabel
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.io.terminal import Progress

PALETTE = [[200, 60, 40], [40, 180, 70], [60, 60, 200]]
NAMES = ['a', 'b', 'town/a', 'town/b', 'town/deep/c.v1', 'void']


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    """Six dense labels of three classes and void, one of void alone."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = tmp_path / 'dense' / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        ids = rng.choice(np.array([0, 1, 2, 255], np.uint8), (3, 4))
        label = ids.repeat(12, axis=0).repeat(12, axis=1)
        if name == 'void':
            label[:] = 255
        write_label(path, label, None if name == 'b' else PALETTE)
    return tmp_path / 'dense'


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


@pytest.fixture
def simulate(run_here, dense: Path) -> Callable[..., str | None]:
    """Runs the tool in this process; gives why it refuses, or None."""

    def run_tool(out: Path, *options: object) -> str | None:
        command = ['make_weak_labels.py', dense, out]
        command += ['--num-classes', 3, '--jobs', 1]
        done = run_here(*command, *(options or ('--kind', 'point')))
        return done.stdout if done.returncode else None

    return run_tool


def test_make_weak_labels_with_any_number_of_processes(
    run, simulate, dense: Path, project_root: Path, tmp_path: Path
) -> None:
    before = files(dense)
    done = run(
        sys.executable,
        project_root / 'tools/make_weak_labels.py',
        dense,
        tmp_path / 'weak3',
        '--kind=scribble',
        '--num-classes=3',
        '--jobs=3',
    )
    assert done.returncode == 0, done.stdout
    assert simulate(tmp_path / 'weak1', '--kind=scribble') is None
    weak = files(tmp_path / 'weak1')

    assert weak == files(tmp_path / 'weak3')
    assert weak.keys() == {*(f'{n}.png' for n in NAMES), 'summary.json'}
    assert files(dense) == before
    labelled, shares = set(), []
    for name in NAMES:
        label = read(dense / f'{name}.png')
        path = tmp_path / 'weak1' / f'{name}.png'
        drawn = read(path) != 255
        np.testing.assert_array_equal(read(path)[drawn], label[drawn])
        labelled.update(read(path)[drawn].tolist())
        shares.append(drawn.mean())
        with Image.open(path) as image:
            assert image.mode == ('L' if name == 'b' else 'P')
            if name != 'b':
                assert image.getpalette()[:9] == sum(PALETTE, [])
    assert labelled == {0, 1, 2}
    assert shares[-1] == 0
    summary = json.loads(weak['summary.json'])
    assert summary['images'] == 6
    assert summary['labelled'] == pytest.approx(np.mean(shares))
    assert summary['kind'] == 'scribble' and summary['seed'] == 0
    assert f'6 weak labels, {np.mean(shares):.2%} of pixels' in done.stdout


def test_make_weak_labels_equals_the_transform(
    simulate, dense: Path, tmp_path: Path
) -> None:
    assert simulate(tmp_path / 'weak', '--kind=coarse') is None
    transform = SimulateWeakLabel('coarse', data_root=str(dense))

    for name in NAMES:
        path = dense / f'{name}.png'
        results = dict(img_path=str(path), gt_seg_map=read(path))
        np.testing.assert_array_equal(
            read(tmp_path / 'weak' / f'{name}.png'),
            transform(results)['gt_seg_map'],
        )


def test_make_weak_labels_refuses_other_numbers(
    simulate, tmp_path: Path
) -> None:
    for option, number in (('--jobs', 0), ('--num-classes', 256)):
        said = simulate(tmp_path / 'weak', '--kind=point', option, number)
        assert f'argument {option}: {number} is no number of' in said


def test_make_weak_labels_overwrites_nothing(
    simulate, dense: Path, tmp_path: Path
) -> None:
    before = files(dense)
    said = simulate(dense)

    assert f'{dense} is not empty and has no summary.json' in said
    assert files(dense) == before


def test_make_weak_labels_names_a_folder_that_cannot_be_made(
    simulate, tmp_path: Path
) -> None:
    (tmp_path / 'file').write_text('')
    said = simulate(tmp_path / 'file/weak')

    assert said.startswith('make_weak_labels: ')
    assert str(tmp_path / 'file') in said


def test_make_weak_labels_without_labels(
    simulate, dense: Path, tmp_path: Path
) -> None:
    for path in dense.rglob('*.png'):
        path.unlink()
    said = simulate(tmp_path / 'weak')

    assert f'{dense} holds no PNG or TIFF files; give the folder' in said
    shutil.rmtree(dense)
    said = simulate(tmp_path / 'weak')
    assert f'argument gt_dir: {dense} is not a folder' in said
    assert not (tmp_path / 'weak').exists()


def test_make_weak_labels_passes_options(
    simulate, dense: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'weak'
    words = ['--kind=block', '--block-share=0.5', '--seed=1']
    assert simulate(out, *words) is None

    summary = json.loads((out / 'summary.json').read_text())
    labels = np.array([read(dense / f'{name}.png') for name in NAMES])
    assert summary['block_share'] == 0.5 and summary['seed'] == 1
    assert summary['labelled'] == pytest.approx((labels != 255).mean() / 2)


def test_make_weak_labels_rejects_an_option_out_of_range(
    simulate, tmp_path: Path
) -> None:
    said = simulate(tmp_path / 'weak', '--kind=coarse', '--margin=0.9')

    assert said.startswith('make_weak_labels: ') and 'margin=0.9' in said
    assert not (tmp_path / 'weak').exists()


def test_make_weak_labels_reads_any_suffix(
    simulate: Callable, dense: Path, tmp_path: Path
) -> None:
    assert simulate(tmp_path / 'png') is None
    for path, suffix in zip(sorted(dense.rglob('*.png')), ('.tif', '.BMP')):
        Image.fromarray(read(path)).save(path.with_suffix(suffix))
        path.unlink()
    assert simulate(tmp_path / 'mixed') is None
    png, mixed = files(tmp_path / 'png'), files(tmp_path / 'mixed')
    assert png.keys() == mixed.keys()
    for name in png:
        if name.endswith('.png'):
            one, other = (tmp_path / f / name for f in ('png', 'mixed'))
            np.testing.assert_array_equal(read(one), read(other))


def test_make_weak_labels_rejects_two_labels_of_one_name(
    simulate: Callable, dense: Path, tmp_path: Path
) -> None:
    Image.fromarray(read(dense / 'b.png')).save(dense / 'b.tif')
    said = simulate(tmp_path / 'weak')
    assert 'would both be written to b.png; take one of them out' in said
    assert not (tmp_path / 'weak').exists()


# Ends a process as the system does that lacks memory.
KILLED = """
import os
import signal
import sys

parent = os.getpid()


def kill(event, args):
    if event == 'open' and str(args[0]).endswith('c.v1.png'):
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(kill)
"""


def test_make_weak_labels_names_a_killed_process(
    run_again, dense: Path, project_root: Path, tmp_path: Path
) -> None:
    (tmp_path / 'sitecustomize.py').write_text(KILLED)
    done = run_again(
        *(project_root / 'tools/make_weak_labels.py', dense),
        *(tmp_path / 'out', '--num-classes', 3, '--kind', 'point'),
        PYTHONPATH=str(tmp_path),
    )
    assert done.returncode == 1
    assert 'a process was killed' in done.stdout
    assert 'Traceback' not in done.stdout


def test_make_weak_labels_continues_after_a_wrong_label(
    simulate, dense: Path, tmp_path: Path
) -> None:
    out, wrong = tmp_path / 'weak', dense / 'void.png'
    right = wrong.read_bytes()
    write_label(wrong, np.full((9, 9), 7, np.uint8))
    said = simulate(out)
    assert f'make_weak_labels: {wrong} holds the values [7]' in said
    before = (out / 'a.png').stat()
    made = (out / 'a.png').read_bytes()
    (out / 'a.png').write_bytes(done := (out / 'b.png').read_bytes())
    os.utime(out / 'a.png', ns=(before.st_atime_ns, before.st_mtime_ns))

    wrong.write_bytes(right)
    assert simulate(out) is None

    # Labels of dense labels that have not changed are not made again.
    assert (out / 'a.png').read_bytes() == done
    os.utime(dense / 'a.png', ns=(0, 0))
    assert simulate(out) is None
    assert (out / 'a.png').read_bytes() == made
    assert {*files(out)} == {*(f'{n}.png' for n in NAMES), 'summary.json'}
    assert json.loads((out / 'summary.json').read_text())['images'] == 6


def test_make_weak_labels_continues_after_an_interrupt(
    simulate, dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert simulate(tmp_path / 'whole') is None
    out = dense / 'weak'
    with monkeypatch.context() as patch:
        patch.setattr(Progress, '__iter__', interrupt)
        said = simulate(out)
    assert said.endswith('interrupted; the same command continues.\n')

    assert simulate(out) is None
    assert files(out) == files(tmp_path / 'whole')


def interrupt(progress: Progress) -> Iterator[object]:
    """Yields one result before a person presses Ctrl-C."""
    yield next(iter(progress.iterable))
    raise KeyboardInterrupt


def test_make_weak_labels_refuses_to_continue_with_other_options(
    simulate, tmp_path: Path
) -> None:
    assert simulate(tmp_path / 'weak') is None
    said = simulate(tmp_path / 'weak', '--kind=point', '--seed=1')
    assert 'was made with seed=0, and now seed is 1; give another' in said


def test_make_weak_labels_help_explains_each_option(run_here) -> None:
    said = ' '.join(run_here('make_weak_labels.py', '--help').stdout.split())
    for field in fields(WeakLabelSimulator)[1:]:
        option = f'--{field.name.replace("_", "-")}'
        meaning = rf'[\w, ]+: [^(]+ \(default: {field.default}\)'
        assert re.search(rf'{option} \S+ {meaning}', said), option
    assert '--placement {centre,random} point: ' in said
