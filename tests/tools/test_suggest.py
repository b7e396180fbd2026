"""Suggestions for labelling from the command line."""

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
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.store.store import LABELS, STORE_NAME, PseudoLabelStore
from mmseg_sesam.suggest import suggest

SOURCES = {
    'labelme': 'labelme',
    'cvat': 'cvat/annotations.xml',
    'label-studio': 'label-studio/tasks.json',
}


def train_mixed(cfg: Config, scribbles: Path) -> Path:
    """Trains from two scribbled images and one without a label."""
    (scribbles / 'weak/deep/2.png').unlink()
    cfg.train_dataloader.dataset.pipeline[1].update(
        kind='scribble', unlabelled='allow'
    )
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    Runner.from_cfg(cfg).train()
    return Path(cfg.work_dir)


def test_suggest_of_a_training(
    run_here,
    refusal,
    make_config: Callable[..., Config],
    scribbles: Path,
    tmp_path: Path,
) -> None:
    work_dir = train_mixed(make_config(), scribbles)
    out = work_dir / 'suggestions'

    done = run_here(
        *('suggest.py', work_dir, '--minutes', 1.2),
        *('--tolerance', 0, '--jobs', 1),
    )

    assert done.returncode == 0, done.stdout
    assert f'2 images, see {out / "suggestions.html"}\n' in done.stdout
    assert f': python tools/report.py {work_dir}\n' in done.stdout
    record = json.loads((out / 'suggestions.json').read_text())
    # 1.2 minutes are 72 seconds, at 34.9 for the scribbles of an image.
    assert record['rate']['kind'] == 'voc-scribble'
    assert record['considered'] == 3
    suggestions = record['suggestions']
    assert [one['rank'] for one in suggestions] == [1, 2]
    assert suggestions[-1]['minutes'] <= 1.2
    # From the labelled images; among three images it cannot be 1.
    assert suggestions[0]['distance'] < 1
    names = [Path(one['image']).stem for one in suggestions]
    assert len(set(names)) == 2
    page = (out / 'suggestions.html').read_text()
    for one in suggestions:
        # The page begins it with a capital.
        assert one['reason'][1:] in page.replace('&#39;', "'")
        assert f'src="{one["picture"]}"' in page
        with Image.open(out / one['picture']) as picture:
            strip = np.array(picture)[22:]
        # White is beside pictures that are narrower than their titles.
        drawn = (strip < 255).any(axis=(0, 2))
        # Image, label, student, teacher and pseudo-label.
        assert (len(strip), np.count_nonzero(drawn)) == (40, 5 * 48)
        assert ('nobody has' in one['reason']) == (
            Path(one['image']).stem == '2'
        )
    store = PseudoLabelStore(work_dir / STORE_NAME)
    for name, source in SOURCES.items():
        options = dict(classes=['a', 'b', 'c'])
        if name == 'label-studio':
            # Regions name the size of an image, and it may have none.
            options.update(predictions='read', images=scribbles / 'images')
        back = tmp_path / name
        convert(READERS[name](out / source, **options), back)
        found = sorted(back.glob('deep/*.png'))
        assert sorted(path.stem for path in found) == sorted(names)
        folder = store.folder(store.current) / LABELS
        for path in found:
            expected = read_label(folder / 'images/deep' / path.name)
            assert (read_label(path) == expected).all()
    # The folder is not overwritten.
    said = refusal('suggest.py', work_dir, '--minutes', 1)
    assert f'{out} is there and not an empty folder' in said
    with pytest.raises(ValueError, match='not an empty folder'):
        suggest(work_dir, out, 1)


def train_stock(cfg: Config, root: Path) -> Path:
    """Trains from two weak labels and two complete ones."""
    cfg.work_dir = str(root / 'work')
    for name in '01':
        label = np.full((64, 64), 255, np.uint8)
        label[30:34, 40:50] = 1
        Image.fromarray(label).save(root / f'labels/{name}.png')
    Runner.from_cfg(cfg).train()
    return Path(cfg.work_dir)


def test_suggest_of_a_stock_training(
    tiny_config: Path, tmp_path: Path
) -> None:
    work_dir = train_stock(Config.fromfile(tiny_config), tmp_path)

    with pytest.raises(ValueError, match='give --kind or --seconds'):
        suggest(work_dir, tmp_path / 'out', 10)
    with pytest.raises(ValueError, match='buy no image'):
        suggest(work_dir, tmp_path / 'out', 0.1, seconds=7)
    assert not (tmp_path / 'out').exists()
    found = suggest(
        work_dir, tmp_path / 'out', 10, seconds=7, formats=['labelme']
    )
    # Two of the four labels are complete.
    assert found['considered'] == len(found['suggestions']) == 2
    assert not (tmp_path / 'out/cvat').exists()
    measures = found['suggestions'][0]['measures']
    assert measures['disagreement'] == measures['fallback'] == 0
    assert measures['uncertainty'] > 0

    one = suggest(
        work_dir, tmp_path / 'one', 10, seconds=7, candidates=4, jobs=2
    )
    assert one['suggestions'] == found['suggestions']
    for name in '01':
        full = np.zeros((64, 64), np.uint8)
        Image.fromarray(full).save(tmp_path / f'labels/{name}.png')
    with pytest.raises(ValueError, match='All 4 images of .* have dense'):
        suggest(work_dir, tmp_path / 'none', 10, seconds=7)


def test_suggest_prints_names_that_are_no_utf_8(
    run_here, tiny_config: Path, tmp_path: Path
) -> None:
    work_dir = train_stock(Config.fromfile(tiny_config), tmp_path)
    for path in (tmp_path / 'images/0.jpg', tmp_path / 'labels/0.png'):
        name = os.fsdecode(b'caf\xe9') + path.suffix
        try:
            path.rename(path.with_name(name))
        except OSError as error:
            pytest.skip(f'the file system has no such names ({error})')

    done = run_here(
        *('suggest.py', work_dir, '--minutes', 10, '--seconds', 7),
        *('--format', 'labelme', '--jobs', 1, tmp_path / 'out'),
    )

    assert done.returncode == 0, done.stdout
    assert r'images/caf\udce9.jpg: ' in done.stdout
    shows = f'{work_dir} --suggestions {tmp_path}/out\n'
    assert shows in done.stdout


def test_suggest_refuses_other_arguments(
    run_here, refusal, tmp_path: Path
) -> None:
    words = ['suggest.py', tmp_path, tmp_path / 'out', '--minutes', 5]
    assert 'not allowed with' in refusal(
        *words, '--kind', 'voc-point', '--seconds', 3
    )
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full/file').touch()
    full = ['suggest.py', tmp_path, tmp_path / 'full', '--minutes', 5]
    assert 'not an empty folder' in refusal(*full)
    for option in ('--seconds', '--candidates'):
        assert '0 is no' in refusal(*words, option, 0)
    for options, said in (
        ([], 'holds no logs of a training'),
        (['--tolerance', -1], 'tolerance=-1.0'),
    ):
        done = run_here(*words, *options)
        assert done.returncode == 1
        assert said in done.stdout
    with pytest.raises(ValueError, match='seconds=0, expected'):
        suggest(tmp_path, tmp_path / 'out', 5, seconds=0)
    with pytest.raises(ValueError, match='seconds=3, which both say how'):
        suggest(tmp_path, tmp_path / 'out', 5, kind='voc-scribble', seconds=3)
    assert not (tmp_path / 'out').exists()
