"""Configs of the pages that replace the segmenter of a base."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import TASK_UTILS

import mmseg_sesam.pseudo_labels  # noqa: F401  (registers its parts)

from .pages import DOCS, ROOT, read_blocks

BLOCKS = {
    block.title: block.text
    for page in ('large_images.md', 'segmenters.md')
    for block in read_blocks(DOCS / page)
}


@pytest.mark.parametrize(
    'name, expected',
    [
        ('tiles', ['TiledSegmenter', 'CachedSegmenter', 'SAMSegmenter']),
        ('uncached', ['SAMSegmenter']),
    ],
)
def test_config_of_a_page_replaces_the_segmenter(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    expected: list[str],
) -> None:
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    monkeypatch.chdir(tmp_path)
    title = f'configs/sesam/{name}.py'
    Path(title).write_text(BLOCKS[title])

    cfg = Config.fromfile(title)
    config = innermost = cfg.default_hooks.pseudo_labels.generator
    types = []
    while 'segmenter' in innermost:
        innermost = innermost.segmenter
        types.append(innermost.type)
    assert types == expected
    # There are no weights of SAM.
    innermost.clear()
    innermost.type = 'SuperpixelSegmenter'
    init_default_scope('mmseg')
    generator = TASK_UTILS.build(config)

    image = np.full((40, 50, 3), 80, np.uint8)
    label = np.full((40, 50), 255, np.uint8)
    label[20, 10:40] = 1
    assert (generator(image, label).label == 1).sum() > 30
