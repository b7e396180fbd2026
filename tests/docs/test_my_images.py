"""A newcomer follows docs/my_images.md with twenty photos and LabelMe."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import outlines, shape, strokes, write_photo
from warm_processes import run_warm

from mmseg_sesam.io.labels import read_label
from mmseg_sesam.store.store import PseudoLabelStore

from .pages import DOCS, ONE_REFRESH, ROOT, read_commands

PAGE = DOCS / 'my_images.md'
# A schedule of two steps, and no download.
SMALL = (
    'train_cfg.max_iters=2 train_cfg.val_interval=2 '
    'default_hooks.logger.interval=1 train_dataloader.batch_size=2 '
    'default_hooks.checkpoint.save_optimizer=False '
    f'model.backbone.pretrained=False {ONE_REFRESH}'
)


@pytest.fixture
def photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, np.ndarray]:
    """The photos of step 1 with their labels; returns borders of stripes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tools').symlink_to(ROOT / 'tools')
    rng = np.random.default_rng(0)
    borders = {}
    for number in range(1, 21):
        split = 'train' if number <= 18 else 'val'
        draw = None if 8 < number <= 18 else strokes
        path = tmp_path / f'data/pets/{split}/{number:02}.jpg'
        borders[path.stem] = write_photo(
            path, rng, outlines if split == 'val' else draw
        )
    return borders


def correct(folder: Path, borders: dict[str, np.ndarray]) -> list[str]:
    """Draws the whole photos of suggestions; returns their names."""
    files = sorted(folder.glob('*.json'))
    for path in files:
        record = json.loads(path.read_text())
        assert (folder / record['imagePath']).is_file()
        x1, y1 = 96, 72
        corners = [[0, 0], [x1, 0], [x1, y1], [0, y1]]
        ground = shape('polygon', 'background', corners)
        record['shapes'] = [ground, *outlines(borders[path.stem])]
        path.write_text(json.dumps(record))
    return [path.stem for path in files]


def type_command(text: str) -> str:
    """Runs a command of the page with small numbers; returns its output."""
    if 'start.py' in text:
        text += ' --jobs 1'
        text += f' --cfg-options {SMALL}' if '--run' in text else ''
        if '--corrected' in text:
            text += ' default_hooks.pseudo_labels.max_rounds=0'
    words = []
    for word in shlex.split(text)[1:]:
        found = sorted(map(str, Path().glob(word))) if '*' in word else [word]
        words += found
    done = run_warm(*words)
    assert done.returncode == 0, f'{text}\n{done.stdout}'
    return done.stdout


def test_my_images_trains_suggests_and_trains_on(
    photos: dict[str, np.ndarray],
) -> None:
    said = {}
    for command in read_commands(PAGE):
        if '--output to_label/labelme' in command.text:
            corrected = correct(Path('to_label/labelme'), photos)
        if not command.needs and command.text.startswith('python '):
            said[command.text] = type_command(command.text)

    first, *_ = said.values()
    assert '8 with a label, 10 without' in first
    assert not re.search('proxy', first, re.IGNORECASE)
    assert len(corrected) == 5
    kinds = {}
    for run in ('pets', 'pets2'):
        store = PseudoLabelStore(f'work_dirs/{run}/run/pseudo_labels')
        counts = store.manifest(store.current)['kinds']
        kinds[run] = {name: n['images'] for name, n in counts.items()}
        assert Path(f'work_dirs/{run}/run/report.html').is_file()
    assert PseudoLabelStore('work_dirs/pets/run/pseudo_labels').current == 1
    strokes_left = 8 - sum(int(name) <= 8 for name in corrected)
    assert kinds['pets'] == dict(scribble=8, none=10)
    assert kinds['pets2'] == dict(
        scribble=strokes_left, none=13 - strokes_left, dense=5
    )
    label = read_label(f'work_dirs/pets2/corrected_1/{corrected[0]}.png')
    assert set(np.unique(label)) == {0, 1, 2}
    assert set(np.unique(read_label('predicted/labels/19.png'))) <= {0, 1, 2}
