"""Components fall back, or an error says why, if masks are unusable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import TASK_UTILS
from PIL import Image

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import BaseSegmenter, Candidates, MaskCandidates
from mmseg_sesam.store.store import PseudoLabelStore


@TASK_UTILS.register_module()
class UselessSegmenter(BaseSegmenter):
    """Returns unusable masks of one of several kinds."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    @property
    def fingerprint(self) -> dict[str, Any]:
        return dict(answer=self.answer)

    def encode(self, images: Sequence[np.ndarray]) -> list[Any]:
        return [image.shape[:2] for image in images]

    def decode(
        self, embedding: Any, prompts: Sequence[PointPrompt]
    ) -> Candidates:
        height, width = embedding
        count, scores = len(prompts), np.ones((len(prompts), 3))
        if self.answer == 'no candidate':
            shape = (count, 0, height, width)
            return MaskCandidates(np.zeros(shape, bool), np.ones((count, 0)))
        if self.answer == 'empty masks':
            shape = (count, 3, height, width)
            return MaskCandidates(np.zeros(shape, bool), scores)
        masks = np.ones((count, 3, height, width), bool)
        if self.answer == 'scores that are no numbers':
            return MaskCandidates(masks, np.nan * scores)
        # A wrong size.
        return MaskCandidates(masks[:, :, : height // 2, : width // 2], scores)


@pytest.mark.parametrize('in_tiles', [False, True])
@pytest.mark.parametrize(
    'answer',
    ['no candidate', 'empty masks', 'scores that are no numbers'],
)
def test_train_falls_back_with_unusable_masks(
    make_config: Callable[..., Config],
    tmp_path: Path,
    scribbles: Path,
    answer: str,
    in_tiles: bool,
) -> None:
    segmenter = dict(type='UselessSegmenter', answer=answer)
    if in_tiles:
        # Four tiles, over all of which each mask continues.
        segmenter = dict(
            type='TiledSegmenter', segmenter=segmenter, tile=36, overlap=16
        )
    cfg = make_config(train_cfg__max_iters=1)
    cfg.default_hooks.pseudo_labels.generator.update(
        segmenter=segmenter,
        hole_purity=0.0,
    )
    Runner.from_cfg(cfg).train()

    store = PseudoLabelStore(tmp_path / 'work/pseudo_labels')
    summary = store.manifest(0)['summary']
    assert summary['fell_back'] == summary['components'] == 9
    for index in range(3):
        weak = np.array(Image.open(scribbles / f'weak/deep/{index}.png'))
        label = store.read(f'images/deep/{index}', 0)
        np.testing.assert_array_equal(label, weak)


def test_generator_raises_on_masks_of_a_wrong_size() -> None:
    # A second component of another class would reject the masks before.
    weak = np.full((20, 30), 255, np.uint8)
    weak[4, 5:9] = 1
    generator = PseudoLabelGenerator(
        dict(type='UselessSegmenter', answer='masks of a wrong size')
    )
    with pytest.raises(ValueError, match=r'\(10, 15\).*expected \(20, 30\)'):
        generator(np.zeros((20, 30, 3), np.uint8), weak)
