"""Explaining an image from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def test_explain_image_draws_one_picture(
    run_again, run_here, scribbles: Path, project_root: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    out = scribbles / 'why.png'
    words += ['--components', 2, '--out', out]

    done = run_again(project_root / 'tools/explain_image.py', *words)

    assert done.returncode == 0, done.stdout
    assert f'{out}: 3 components, 0 fell back' in done.stdout
    assert 'Not drawn: 1 of 3 components' in done.stdout
    picture = np.array(Image.open(out).convert('RGB'))
    assert picture.std() > 20
    before = out.read_bytes()
    done = run_here('explain_image.py', *words)
    assert done.returncode == 2
    assert f'{out} is there already' in done.stdout
    assert out.read_bytes() == before


def test_explain_image_rejects_a_config_without_a_generator(
    run_here, scribbles: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    config = scribbles / 'empty.py'
    config.write_text('')
    done = run_here(
        *('explain_image.py', *words),
        *('--config', config, '--out', scribbles / 'why.png'),
    )
    assert done.returncode == 1
    assert f'explain_image: {config} has no SAMPseudoLabelHook' in done.stdout
    assert not (scribbles / 'why.png').exists()


def test_explain_image_takes_grey_and_rejects_deeper_images(
    run_here, scribbles: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    image = np.array(Image.open(words[0]).convert('L'))
    for values, code, said in (
        (image, 0, '3 components'),
        (image.astype(np.uint16) * 16, 1, 'holds values of more than 8 bits'),
    ):
        Image.fromarray(values).save(words[0])
        out = scribbles / f'{code}.png'
        done = run_here('explain_image.py', *words, '--out', out)
        assert done.returncode == code and said in done.stdout
