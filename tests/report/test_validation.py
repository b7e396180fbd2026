"""Validation images of a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.report.run import read_run
from mmseg_sesam.report.validation import show_validation


@pytest.mark.parametrize(
    'case', ['no loader', 'no checkpoint', 'no predictions', 'no images']
)
def test_show_validation_says_why_there_are_no_images(
    work_dir: Path, case: str
) -> None:
    run = read_run(work_dir)
    reason = 'predictions were left out'
    if case == 'no loader':
        run.cfg.val_dataloader = None
        reason = 'the config has no val_dataloader'
    elif case == 'no checkpoint':
        run = run._replace(checkpoint=None)
        reason = 'there is no checkpoint'
    elif case == 'no images':
        run.cfg.val_dataloader.dataset.data_root = '/nowhere'
        reason = 'they are not where the config says'

    shown, note = show_validation(run, 3, case != 'no predictions', jobs=1)

    assert not shown and reason in note


def test_show_validation_leaves_out_odd_images(
    work_dir: Path, scribbles: Path
) -> None:
    label = scribbles / 'dense/deep/0.png'
    Image.fromarray(np.full((40, 48), 7, np.uint8)).save(label)
    (scribbles / 'images/deep/2.png').write_bytes(b'no image')

    shown, note = show_validation(read_run(work_dir), 3, True, jobs=1)

    (name,) = (entry['name'] for entry in shown)
    assert name.endswith('deep/1.png')
    assert 'the 1 with the lowest IoU of 1 that' in note
    assert '2 more are left out, such as' in note
    assert 'deep/0.png (the truth holds the class ids [7]' in note


def test_show_validation_limits_pixels(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 'mmseg_sesam.report.validation.MAX_PIXELS'
    for pixels, number in ((40 * 48 * 2.5, 2), (1, 1)):
        monkeypatch.setattr(limit, pixels)
        shown, note = show_validation(read_run(work_dir), 3, True, jobs=1)
        assert len(shown) == number
        assert f'IoU of {number} that' in note
