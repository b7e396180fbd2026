"""The example of docs/add_a_segmenter.md makes pseudo-labels."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import TASK_UTILS

from .pages import DOCS, ROOT, read_blocks


def test_add_a_segmenter_example_makes_pseudo_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    for block in read_blocks(DOCS / 'add_a_segmenter.md'):
        if block.title:
            (tmp_path / block.title).write_text(block.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    label = np.full((40, 50), 255, np.uint8)
    label[20, 25] = 4
    label[[5, 20, 35], 45] = 9

    try:
        # The config's custom_imports register the class.
        cfg = Config.fromfile(tmp_path / 'configs/demo/discs.py')
        init_default_scope('mmseg')
        config = cfg.default_hooks.pseudo_labels.generator
        generator = TASK_UTILS.build(dict(config, hole_purity=0))
        made = generator(np.zeros((40, 50, 3), np.uint8), label).label
    finally:
        sys.modules.pop('disc_segmenter', None)
        TASK_UTILS.module_dict.pop('DiscSegmenter', None)

    rows, cols = np.mgrid[:40, :50]
    # The largest discs that hold no point of the other class.
    expected = np.where(np.hypot(rows - 20, cols - 25) <= 16, 4, 255)
    for row in (5, 20, 35):
        expected[np.hypot(rows - row, cols - 45) <= 16] = 9
    assert (made == expected).all()
