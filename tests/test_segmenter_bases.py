"""The segmenter bases: weights, dtype and cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import TASK_UTILS

BASES = Path(__file__).parents[1] / 'configs' / '_base_' / 'segmenters'
NAMES = sorted(path.stem for path in BASES.glob('*.py'))
SAMS = [name for name in NAMES if name != 'superpixel']


def load(name: str) -> Config:
    return Config.fromfile(BASES / f'{name}.py')


def test_bases_are_of_every_family() -> None:
    assert set(SAMS) == {
        *('sam_vit_b', 'sam_vit_l', 'sam_vit_h', 'sam_hq', 'mobile_sam'),
        *('sam2_1_hiera_t', 'sam2_1_hiera_s', 'sam2_1_hiera_b_plus'),
        *('sam2_1_hiera_l', 'sam3'),
    }


@pytest.mark.parametrize('name', SAMS)
def test_sam_base_caches_embeddings_and_prefers_bf16(name: str) -> None:
    cached = load(name).generator.segmenter
    assert cached.type == 'CachedSegmenter'
    assert cached.segmenter.dtype == 'auto'
    # What is downloaded, how large it is, and under which licence.
    head = (BASES / f'{name}.py').read_text().split('generator = ')[0]
    weights = cached.segmenter.get('checkpoint', cached.segmenter.get('model'))
    assert weights.startswith('checkpoints/')
    assert Path(weights).name in head
    assert ' MB' in head or ' GB' in head or ' billion parameters' in head
    assert 'Apache' in head or 'SAM License' in head


@pytest.mark.parametrize('name', SAMS)
def test_sam_base_names_missing_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(name).generator
    if name == 'mobile_sam':
        pytest.importorskip('mobile_sam')
    elif config.segmenter.segmenter.type == 'TransformersSegmenter':
        pytest.importorskip('transformers')
    monkeypatch.chdir(tmp_path)
    init_default_scope('mmseg')
    with pytest.raises(FileNotFoundError, match='checkpoints/'):
        TASK_UTILS.build(config)
