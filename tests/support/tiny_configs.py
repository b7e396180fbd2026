"""Changes of the tiny training."""

from __future__ import annotations

import copy

from mmengine.config import Config
from pipelines import place_of


def without_rounds(cfg: Config) -> Config:
    """Removes the hook that makes pseudo-labels, and their transform."""
    del cfg.default_hooks['pseudo_labels']
    pipeline = cfg.train_dataloader.dataset.pipeline
    del pipeline[place_of(pipeline, 'LoadPseudoLabel')]
    return cfg


def validated(cfg: Config, *steps: dict, labels: str = 'weak') -> Config:
    """Validates on the training images.

    Args:
        cfg: the tiny training.
        steps: transforms between the image and its label.
        labels: folder of the labels.
    """
    loader = copy.deepcopy(cfg.train_dataloader)
    sampler = dict(type='DefaultSampler', shuffle=False)
    loader.update(batch_size=1, num_workers=0, sampler=sampler)
    loader.dataset.data_prefix.seg_map_path = labels
    loader.dataset.pipeline = [
        dict(type='LoadImageFromFile'),
        *steps,
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]
    cfg.val_dataloader = loader
    cfg.val_cfg = dict(type='ValLoop')
    cfg.val_evaluator = dict(type='IoUMetric')
    return cfg
