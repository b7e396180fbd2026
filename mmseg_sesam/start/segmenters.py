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
# GiB that a round takes beside SAM's weights: 2.1 for the tensors of ViT-H's
# encoder in fp32, 1.0 for the network in training (both computed, not run on a
# GPU), and some for the GPU's context (our choice). Decoding is not counted:
# prompts are decoded in batches that fit, and an image that does not fit
# beside them is encoded while nothing is decoded.
_ROUND = 3.5


def pick_segmenter(
    folder: Path, gpu_gib: float, root: Path = Path()
) -> Choice:
    """Returns the fragment of the best segmenter that can be used.

    Its weights and its package are there, and it fits the GPU.

    Args:
        folder: folder of the fragments, `configs/_base_/segmenters`.
        gpu_gib: memory of the GPU in GiB, 0 without a GPU.
        root: folder that the paths of weights begin at.
    """
    skipped = []
    for name in _ON_GPU if gpu_gib else _ON_CPU:
        generator = Config.fromfile(folder / f'{name}.py').generator
        weights, package = _needs(generator['segmenter'])
        if not (root / weights).exists():
            continue
        if find_spec(package) is None:
            skipped.append(f'{weights} is there without the package {package}')
            continue
        files = _files(root / weights)
        if not files:
            skipped.append(f'{weights} lacks files of its model')
            continue
        need = sum(file.stat().st_size for file in files) / 2**30 + _ROUND
        said = f'needs {need:.1f} GiB of a GPU (computed, not tried by us)'
        if gpu_gib and need > gpu_gib:
            skipped.append(f'{weights} {said}')
            continue
        there = f'is there, and {said}' if gpu_gib else 'is there'
        return Choice(name, '; '.join([f'{weights} {there}', *skipped]))
    suits = f'a GPU of {gpu_gib:.1f} GiB' if gpu_gib else 'a CPU'
    lacking = f'no weights of SAM that suit {suits} in checkpoints/'
    return Choice(
        _FALLBACK,
        '; '.join([lacking, *skipped]) + ' (docs/get_started.md)',
    )


def _needs(config: dict[str, Any]) -> tuple[str, str]:
    """Returns path of the weights and package of a segmenter's config."""
    for part in _nested(config):
        if 'checkpoint' in part:
            return part['checkpoint'], part['builder'].split('.')[0]
        if 'model' in part:
            return part['model'], _TRANSFORMERS
    raise KeyError('checkpoint')


def _files(weights: Path) -> list[Path]:
    """Returns the files of weights; none of a model half downloaded."""
    if weights.is_file():
        return [weights]
    # Takes seconds.
    from mmseg_sesam.segmenters.transformers_sam.model_files import find_files

    try:
        found = find_files(
            str(weights), revision=None, download=False, pickled=False
        )
    except (OSError, ValueError):
        return []
    return found.weights


def _nested(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield config
    if isinstance(config.get('segmenter'), dict):
        yield from _nested(config['segmenter'])
