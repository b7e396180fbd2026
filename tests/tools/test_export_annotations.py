"""Labels as polygons from the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from mmseg_sesam.annotations import READERS, convert
from mmseg_sesam.annotations import export as export_module
from mmseg_sesam.io.labels import read_label, write_label
from mmseg_sesam.store.store import LABELS, STORE_NAME, PseudoLabelStore


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of labels, and of their images and one more."""
    labels, images = tmp_path / 'labels', tmp_path / 'images'
    label = np.zeros((6, 8), np.uint8)
    label[2:4, 2:5] = 1
    for name in ('town/a', 'b', 'c'):
        path = images / f'{name}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (8, 6)).save(path)
    for name in ('town/a', 'b'):
        path = labels / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        write_label(path, label)
    return labels, images


def test_export_annotations_leaves_nothing_of_an_interrupted_run(
    run_here,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(label: np.ndarray, tolerance: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, 'outlines_in_order', interrupt)
    labels, images = folders
    done = run_here(
        *('export_annotations.py', labels, tmp_path / 'out'),
        *('--format', 'cvat', '--images', images),
        *('--classes', 'ground', 'cat'),
    )
    assert 'export_annotations: interrupted; run it again.' in done.stdout
    assert not [*(tmp_path / 'out').iterdir()]


def test_export_annotations_of_a_folder(
    run_here,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels, images = folders
    scan, scanned = os.scandir, []
    monkeypatch.setattr(
        os, 'scandir', lambda path: scanned.append(path) or scan(path)
    )
    out = tmp_path / 'out'
    words = (
        *('export_annotations.py', labels, out, '--format', 'labelme'),
        *('--images', images, '--classes', 'ground', 'cat'),
    )

    done = run_here(*words)

    assert done.returncode == 0, done.stdout
    assert '2 images in 2 files' in done.stdout
    assert scanned.count(labels) == 1
    reader = READERS['labelme'](out, classes=['ground', 'cat'])
    convert(reader, tmp_path / 'back')
    for name in ('town/a.png', 'b.png'):
        found = read_label(tmp_path / 'back' / name)
        assert (found == read_label(labels / name)).all()
    done = run_here(*words)
    assert done.returncode == 1
    assert 'shall not be overwritten' in done.stdout


def test_export_annotations_of_a_training(
    run_here,
    make_config: Callable[..., Config],
    tmp_path: Path,
) -> None:
    cfg = make_config()
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    Runner.from_cfg(cfg).train()
    out = tmp_path / 'out'

    done = run_here(
        *('export_annotations.py', cfg.work_dir, out, '--format', 'coco'),
        *('--tolerance', 0),
    )

    assert done.returncode == 0, done.stdout
    record = json.loads((out / 'instances.json').read_text())
    # Below the folder that the data set names.
    listed = sorted(image['file_name'] for image in record['images'])
    assert listed == [f'deep/{index}.png' for index in range(3)]
    store = PseudoLabelStore(Path(cfg.work_dir, STORE_NAME))
    folder = store.folder(store.current) / LABELS
    names = [category['name'] for category in record['categories']]
    convert(
        READERS['coco'](out / 'instances.json', classes=names),
        tmp_path / 'back',
    )
    found = sorted((tmp_path / 'back').rglob('*.png'))
    assert len(found) == len(record['images']) == 3
    for path in found:
        (expected,) = folder.rglob(path.name)
        assert (read_label(path) == read_label(expected)).all()


def test_export_annotations_rejects_other_arguments(
    run_here, refusal, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    labels, images = folders
    words = ['export_annotations.py', labels, tmp_path / 'out']
    words += ['--format', 'cvat']
    assert 'which needs --images' in refusal(*words)
    assert 'which needs --classes' in refusal(*words, '--images', images)
    (tmp_path / 'run' / STORE_NAME).mkdir(parents=True)
    run = [words[0], tmp_path / 'run', *words[2:]]
    assert 'whose config names them' in refusal(*run, '--classes', 'a', 'b')
    assert 'holds no logs of a training' in run_here(*run).stdout
    (images / 'b.jpg').unlink()
    done = run_here(*words, '--images', images, '--classes', 'a', 'b')
    assert done.returncode == 1
    assert '1 of 2 labels have no image' in done.stdout
    (tmp_path / 'empty').mkdir()
    words[1] = tmp_path / 'empty'
    done = run_here(*words, '--images', images, '--classes', 'a', 'b')
    assert done.returncode == 1
    assert 'empty holds no PNG or TIFF files' in done.stdout
    assert not (tmp_path / 'out').exists()
