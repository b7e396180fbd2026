"""A newcomer follows docs/my_images.md with ten images of LabelMe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import outlines, strokes, write_photo
from PIL import Image
from warm_processes import run_warm

from mmseg_sesam.store.store import PseudoLabelStore

from .pages import (
    DOCS,
    ONE_REFRESH,
    ROOT,
    read_blocks,
    read_commands,
    run_tool,
)

PAGE = DOCS / 'my_images.md'
# A schedule of two steps, small images, and no download.
SMALL = (
    'train_cfg.max_iters=2 train_cfg.val_interval=2 '
    'model.backbone.pretrained=False '
    'model.data_preprocessor.size="[64,64]" '
    'train_dataloader.dataset.pipeline.3.scale="(96,72)" '
    'train_dataloader.dataset.pipeline.4.crop_size="(64,64)" '
    f'{ONE_REFRESH}'
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's folder with the photos of step 1, marked as in step 2."""
    for name in ('configs', 'tools'):
        shutil.copytree(ROOT / name, tmp_path / name)
    rng = np.random.default_rng(0)
    for number in range(1, 11):
        split = 'train' if number <= 8 else 'val'
        path = tmp_path / f'data/pets/images/{split}/{number:02}.jpg'
        write_photo(path, rng, strokes if split == 'train' else outlines)
    return tmp_path


def edit(project: Path) -> None:
    """Changes the lines that step 4 shows, and adds those for the end."""
    for block in read_blocks(PAGE):
        path = project / block.title.removeprefix('end of ')
        if block.language == 'diff':
            lines = iter(block.text.splitlines())
            for old, new in zip(lines, lines):
                assert (old[0], new[0]) == ('-', '+')
                text = path.read_text()
                assert text.count(f'\n{old[1:]}\n') == 1, old
                path.write_text(text.replace(old[1:], new[1:]))
        elif block.title.startswith('end of '):
            path.write_text(path.read_text() + block.text)


def run_process(text: str) -> str:
    """Runs a command as it is typed; returns what it says."""
    bin_dir = Path(sys.executable).parent
    done = subprocess.run(
        ['bash', '-c', text],
        env=dict(os.environ, PATH=f'{bin_dir}:{os.environ["PATH"]}'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f'{text}\n{done.stdout}'
    return done.stdout


def test_my_images_trains_on_ten_images_of_labelme(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    said = ''
    for command in read_commands(PAGE):
        text = command.text
        if command.needs or text.startswith('source '):
            continue
        if 'tools/train.py' in text:
            text = f'{text} --cfg-options {SMALL}'
            _, *words = run_process(f'echo {text}').split()
            done = run_warm(*words)
            assert done.returncode == 0, done.stdout
            said = done.stdout
        elif text.startswith('python '):
            _, *words = run_process(f'echo {text}').split()
            run_tool(*words)
        else:
            run_process(text)
        if text.endswith('configs/sesam/pets.py') and text.startswith('cp '):
            edit(project)

    assert 'Pseudo-labels, round 1: 8 images' in said
    for run in ('pets', 'pets2'):
        store = PseudoLabelStore(f'work_dirs/{run}/pseudo_labels')
        assert store.current == 1
        assert Path(f'work_dirs/{run}/report.html').is_file()
    assert 'python tools/report.py' in said
    weak = np.array(Image.open('data/pets/weak/train/01.png'))
    truth = np.array(Image.open('data/pets/dense/val/09.png'))
    assert set(np.unique(weak)) == {0, 1, 2, 255}
    assert set(np.unique(truth)) == {0, 1, 2}
    for name in ('explained.png', 'work_dirs/pets/report.html', 'pets.pth'):
        assert Path(name).is_file()
