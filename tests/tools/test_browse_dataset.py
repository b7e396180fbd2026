"""Pictures of training samples from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from mmengine.config import Config
from PIL import Image


def test_browse_dataset_draws_samples(
    run_here,
    make_config: Callable[..., Config],
    tmp_path: Path,
) -> None:
    config = tmp_path / 'config.py'
    make_config(custom_imports=dict(imports=['mmseg_sesam'])).dump(config)
    out = tmp_path / 'pictures'

    done = run_here('browse_dataset.py', config, out, '--number', 2)

    assert done.returncode == 0, done.stdout
    assert f'2 pictures in {out}' in done.stdout
    pictures = sorted(out.iterdir())
    assert [path.name[:5] for path in pictures] == ['0000_', '0001_']
    with Image.open(pictures[0]) as picture:
        # Four in a row: student, teacher, label, pseudo-label.
        assert picture.width > 3 * picture.height
    done = run_here('browse_dataset.py', config, out)
    assert done.returncode == 2
    assert f'{out} is there and not an empty folder' in done.stdout
    new = tmp_path / 'new'
    done = run_here('browse_dataset.py', config, new, '--number', 0)
    assert done.returncode == 2
    assert 'number of samples' in done.stdout and not new.exists()
