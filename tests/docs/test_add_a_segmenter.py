"""The segmenter of docs/add_a_segmenter.md works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from mmseg.registry import TASK_UTILS

from mmseg_sesam.pseudo_labels import PseudoLabelGenerator

DOCS = Path(__file__).parents[2] / 'docs'


def test_the_segmenter_of_the_docs_makes_pseudo_labels() -> None:
    text = (DOCS / 'add_a_segmenter.md').read_text()
    code = re.findall(r'```python\n(.*?)```', text, re.DOTALL)[0]
    try:
        exec(compile(code, 'docs/add_a_segmenter.md', 'exec'), {})
        generator = PseudoLabelGenerator(dict(type='DiscSegmenter'))
    finally:
        TASK_UTILS.module_dict.pop('DiscSegmenter')
    label = np.full((40, 50), 255, np.uint8)
    label[20, 25] = 4

    made = generator(np.zeros((40, 50, 3), np.uint8), label).label

    rows, cols = np.mgrid[:40, :50]
    disc = np.hypot(rows - 20, cols - 25) <= 8
    assert (made == np.where(disc, 4, 255)).all()
