"""Browsing a data set from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable

from mmengine.config import Config
from PIL import Image


def test_draws_what_the_network_is_fed(
    run,
    make_config: Callable[..., Config],
    tmp_path: Path,
    project_root: Path,
) -> None:
    config = tmp_path / 'config.py'
    make_config(custom_imports=dict(imports=['mmseg_sesam'])).dump(config)
    command = [sys.executable, project_root / 'tools/browse_dataset.py']
    out = tmp_path / 'pictures'

    done = run(*command, config, out, '--number', 2)

    assert done.returncode == 0, done.stdout
    assert f'2 pictures in {out}' in done.stdout
    pictures = sorted(out.iterdir())
    assert [path.name[:5] for path in pictures] == ['0000_', '0001_']
    with Image.open(pictures[0]) as picture:
        # Four in a row: student, teacher, label, pseudo-label.
        assert picture.width > 3 * picture.height
    done = run(*command, config, out)
    assert done.returncode == 2
    assert f'{out} is there and not an empty folder' in done.stdout
