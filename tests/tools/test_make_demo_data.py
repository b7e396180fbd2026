"""The demo data tool, run as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tool_runs import run_here

TOOL = Path(__file__).parents[2] / 'tools' / 'make_demo_data.py'
CLASSES = ['sky', 'building', 'road', 'pavement', 'tree', 'car', 'person',
           'sign']  # fmt: skip
SIZE = ('--height', '96', '--width', '128')


def make(out: Path, *options: str) -> Path:
    done = run_here(TOOL, out, *SIZE, *options)
    assert done.returncode == 0, done.stdout
    return out


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob('*') if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp('demo') / 'made' / 'street'
    command = [sys.executable, str(TOOL), str(out), *SIZE]
    subprocess.run([*command, '--train', '3', '--val', '2'], check=True)
    return out


def test_make_demo_data_writes_the_layout(demo: Path) -> None:
    names = ['train_0000', 'train_0001', 'train_0002', 'val_0000', 'val_0001']
    lists = demo / 'ImageSets' / 'Segmentation'
    assert (lists / 'train.txt').read_text().split() == names[:3]
    assert (lists / 'val.txt').read_text().split() == names[3:]
    assert sorted(contents(demo)) == sorted(
        [f'JPEGImages/{name}.jpg' for name in names]
        + [f'SegmentationClass/{name}.png' for name in names]
        + [f'ImageSets/Segmentation/{s}.txt' for s in ('train', 'val')]
        + ['classes.json']
    )
    assert [path.name for path in demo.parent.iterdir()] == [demo.name]


def test_make_demo_data_images_and_labels_agree(demo: Path) -> None:
    about = json.loads((demo / 'classes.json').read_text())
    assert about['classes'] == CLASSES
    assert about['settings'] == dict(
        train=3, val=2, height=96, width=128, seed=0
    )
    shares = np.zeros(len(CLASSES))
    for path in (demo / 'SegmentationClass').iterdir():
        image = Image.open(demo / 'JPEGImages' / f'{path.stem}.jpg')
        label = Image.open(path)
        assert (image.mode, label.mode) == ('RGB', 'P')
        assert image.size == label.size == (128, 96)
        assert label.getpalette()[:24] == sum(about['palette'], [])
        ids = np.asarray(label)
        assert ids.dtype == np.uint8 and ids.max() < len(CLASSES)
        shares += np.bincount(ids.ravel(), minlength=len(CLASSES)) / ids.size
    assert (shares / 5 > 0.005).all(), dict(zip(CLASSES, shares / 5))


def test_make_demo_data_labels_follow_edges(demo: Path) -> None:
    """A label moved by some pixels explains the image less well."""
    moves = [(0, 0), (0, 2), (0, -2), (2, 0), (-2, 0)]
    within = np.zeros(len(moves))
    for path in (demo / 'SegmentationClass').iterdir():
        image = Image.open(demo / 'JPEGImages' / f'{path.stem}.jpg')
        image = np.asarray(image.convert('L'), float)
        ids = np.asarray(Image.open(path))
        steps = np.abs(np.diff(image, axis=1))
        for i, move in enumerate(moves):
            moved = np.roll(ids, move, (0, 1))
            edges = moved[:, 1:] != moved[:, :-1]
            within[i] += steps[4:-4, 4:-4][edges[4:-4, 4:-4]].mean()
    assert within[0] > 1.2 * within[1:].max()


def test_make_demo_data_of_a_seed_gives_the_same_bytes(
    demo: Path, tmp_path: Path
) -> None:
    again = make(tmp_path / 'again', '--train', '3', '--val', '2')
    assert contents(again) == contents(demo)


def test_make_demo_data_image_does_not_depend_on_the_number(
    demo: Path, tmp_path: Path
) -> None:
    fewer = contents(make(tmp_path / 'fewer', '--train', '1', '--val', '1'))
    known = contents(demo)
    pictures = [name for name in fewer if name.endswith(('.jpg', '.png'))]
    assert len(pictures) == 4
    assert all(fewer[name] == known[name] for name in pictures)
    assert (
        fewer['JPEGImages/train_0000.jpg']
        != (fewer['JPEGImages/val_0000.jpg'])
    )


def test_make_demo_data_of_another_seed(demo: Path, tmp_path: Path) -> None:
    options = ('--train', '1', '--val', '1', '--seed', '1')
    other, known = contents(make(tmp_path / 'other', *options)), contents(demo)
    for name in ('JPEGImages/train_0000.jpg', 'JPEGImages/val_0000.jpg'):
        assert other[name] != known[name]


def test_make_demo_data_keeps_a_finished_data_set(demo: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo.rglob('*')}
    done = run_here(TOOL, demo, *SIZE, '--train', '3', '--val', '2')
    assert done.returncode == 0
    assert 'already holds' in done.stdout
    after = {path: path.stat().st_mtime_ns for path in demo.rglob('*')}
    assert after == before


def test_make_demo_data_overwrites_nothing(demo: Path, tmp_path: Path) -> None:
    (tmp_path / 'notes.txt').write_text('mine')
    (tmp_path / 'classes.json').write_text('not JSON')
    for out in (demo, tmp_path, tmp_path / 'notes.txt'):
        before = out.read_bytes() if out.is_file() else contents(out)
        done = run_here(TOOL, out, *SIZE, '--train', '4', '--val', '2')
        assert done.returncode == 2
        assert done.stdout.count('\n') == 1 and str(out) in done.stdout
        after = out.read_bytes() if out.is_file() else contents(out)
        assert after == before


def test_make_demo_data_rejects_impossible_options(tmp_path: Path) -> None:
    for option, value in (
        ('--train', '0'),
        ('--width', '8'),
        ('--seed', '-1'),
    ):
        done = run_here(TOOL, tmp_path / 'out', option, value)
        assert done.returncode == 2
        assert option in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == 'win32', reason='sends SIGINT')
def test_make_demo_data_leaves_nothing_when_interrupted(
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(TOOL), str(tmp_path / 'out'), *SIZE]
    process = subprocess.Popen(
        [*command, '--train', '1000'],
        stderr=subprocess.DEVNULL,
        # Shells start background jobs with SIGINT ignored, and it would be
        # ignored here as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not list(tmp_path.rglob('*.png')):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    assert not list(tmp_path.iterdir())
