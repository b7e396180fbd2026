"""Estimates the memory of a training step, without making it.

    python -m benchmarks.memory configs/sesam/deeplabv3_voc_coarse.py

The step is made on tensors that have shapes and no content. Counted are
the weights, their gradients and the optimizer's moments, and what autograd
keeps for the backward pass. It is the least that a step takes: buckets of
gradients of distributed training, temporary tensors, a GPU's context and its
convolutions' workspace come on top.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

# First of all: on mmcv-lite, mmseg imports after it alone.
import mmseg_sesam  # noqa: F401

# isort: split
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_sesam.cli.arguments import config_file
from mmseg_sesam.segmenters.embedding_cache import GIB

# float32 moments that an optimizer keeps of each weight.
MOMENTS = dict(SGD=1, AdamW=2)


def estimate(cfg: Config) -> dict[str, float]:
    """Estimates a step of a config.

    Args:
        cfg: of a training run.

    Returns:
        GiB on each GPU: of 'weights' (with the teacher's, gradients and
        moments), 'kept' (for the backward pass) and 'total'.

    Raises:
        ValueError: the optimizer is another than SGD and AdamW.
    """
    init_default_scope('mmseg')
    optimizer = cfg.optim_wrapper.optimizer.type
    if optimizer not in MOMENTS:
        raise ValueError(
            f'{cfg.filename} has the optimizer {optimizer}, expected one of '
            f'{", ".join(MOMENTS)}; add to MOMENTS how many it keeps'
        )
    model = copy.deepcopy(cfg.model)
    # The values of weights do not matter: none are downloaded.
    model.update(pretrained=None)
    if 'pretrained' in model.backbone:
        model.backbone.pretrained = False
    model = MODELS.build(model)
    model = revert_sync_batchnorm(model).to('meta').train()
    size, batch = cfg.crop_size, cfg.train_dataloader.batch_size
    images = torch.empty(batch, 3, *size, device='meta')
    kept: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        # A storage that several operations keep is there once.
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda x: x):
        losses = model.loss(images, [_sample(size) for _ in range(batch)])
    weights = _weights(model, MOMENTS[optimizer])
    # Weights are kept for the backward pass, too: they are there already.
    known = {p.untyped_storage()._cdata for p in model.parameters()}
    activations = sum(n for key, n in kept.items() if key not in known)
    del losses
    return dict(
        weights=weights / GIB,
        kept=activations / GIB,
        total=(weights + activations) / GIB,
    )


def _weights(model: nn.Module, moments: int) -> int:
    """Bytes of all weights, and of what goes with those that are trained."""
    total = 0
    for weight in model.parameters():
        copies = 2 + moments if weight.requires_grad else 1
        total += copies * weight.numel() * weight.element_size()
    return total


def _sample(size: tuple[int, int]) -> SegDataSample:
    shapes = dict(img_shape=size, ori_shape=size, pad_shape=size)
    sample = SegDataSample(metainfo=shapes)
    for field in ('gt_sem_seg', 'pseudo_sem_seg', 'confident_sem_seg'):
        label = torch.zeros(1, *size, dtype=torch.uint8, device='meta')
        sample.set_data({field: PixelData(data=label)})
    return sample


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.memory',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument('configs', nargs='+', type=config_file)
    args = parser.parse_args()
    print('| config | weights, GiB | for backward, GiB | total, GiB |')
    print('|---|---|---|---|')
    for path in args.configs:
        cfg = Config.fromfile(path)
        if missing := {'model', 'optim_wrapper', 'crop_size'} - set(cfg):
            sys.exit(
                f'memory: {path} has no {" and no ".join(sorted(missing))}; '
                'name a training config.'
            )
        try:
            found = estimate(cfg)
        except ValueError as error:
            sys.exit(f'memory: {error}.')
        numbers = ' | '.join(f'{value:.1f}' for value in found.values())
        print(f'| `{Path(path).name}` | {numbers} |')


if __name__ == '__main__':
    main()
