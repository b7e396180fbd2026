"""Picks the segmenter whose weights are there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_sesam.start.plan import Choice

# Fragments of configs, best first on a GPU. A CPU encodes with the small
# ones, which come first there: ViT-H takes minutes an image.
_ON_GPU = (
    *('sam3', 'sam_vit_h', 'sam2_1_hiera_l', 'sam_hq', 'sam_vit_l'),
    *('sam2_1_hiera_b_plus', 'sam_vit_b', 'sam2_1_hiera_s'),
    *('sam2_1_hiera_t', 'mobile_sam'),
)
_ON_CPU = ('mobile_sam', 'sam2_1_hiera_t', 'sam2_1_hiera_s', 'sam_vit_b')
_FALLBACK = 'superpixel'
_TRANSFORMERS = 'transformers'


def pick_segmenter(folder: Path, gpu: bool, root: Path = Path()) -> Choice:
    """Returns the fragment of the best segmenter whose weights are there.

    Args:
        folder: folder of the fragments, `configs/_base_/segmenters`.
        gpu: whether there is a GPU.
        root: folder that the paths of weights begin at.
    """
    lacking = ''
    for name in _ON_GPU if gpu else _ON_CPU:
        generator = Config.fromfile(folder / f'{name}.py').generator
        weights, package = _needs(generator['segmenter'])
        if not (root / weights).exists():
            continue
        if find_spec(package) is None:
            lacking = f'; {weights} is there without the package {package}'
            continue
        if package == _TRANSFORMERS and not _is_model(root / weights):
            lacking = f'; {weights} lacks files of its model'
            continue
        return Choice(name, f'{weights} is there')
    return Choice(
        _FALLBACK,
        f'no weights of SAM that suit {"a GPU" if gpu else "a CPU"} in '
        f'checkpoints/{lacking} (docs/get_started.md)',
    )


def _needs(config: dict[str, Any]) -> tuple[str, str]:
    """Returns path of the weights and package of a segmenter's config."""
    for part in _nested(config):
        if 'checkpoint' in part:
            return part['checkpoint'], part['builder'].split('.')[0]
        if 'model' in part:
            return part['model'], _TRANSFORMERS
    raise KeyError('checkpoint')


def _is_model(folder: Path) -> bool:
    """Returns whether a folder holds a model; one may be half downloaded."""
    # Takes seconds.
    from mmseg_sesam.segmenters.transformers_sam.model_files import find_files

    try:
        find_files(str(folder), revision=None, download=False, pickled=False)
    except (OSError, ValueError):
        return False
    return True


def _nested(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield config
    if isinstance(config.get('segmenter'), dict):
        yield from _nested(config['segmenter'])
