"""One network and schedule for all rows of a data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_sesam.cli.launch import add_safeguards
from mmseg_sesam.datasets.pipeline_configs import (
    classes_of,
    iterate_transforms,
)

from .backbone import convert_backbone
from .balance import class_weights
from .mixes import apply_mix, count_images
from .rows import Row
from .sets import DataSet, convert_clicks
from .shares import known_shares

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs'
SEGMENTERS = CONFIGS / '_base_' / 'segmenters'
# The segmenter that the configs have, with settings for each kind of label.
SUPERPIXEL = 'superpixel'


def make_config(
    data_set: DataSet,
    row: Row,
    segmenter: str,
    seed: int,
    steps: int,
    data: Path,
    work_dir: Path,
) -> Config:
    """Makes the config of a run.

    Args:
        data_set: one of `ALL_SETS`.
        row: its recipe.
        segmenter: a config of configs/_base_/segmenters, without '.py'.
        seed: of the weights, the order of images and their augmentation;
            the weak labels are those of seed 0 in all runs.
        steps: of training, 8 crops each.
        data: folder that holds all data sets.
        work_dir: of the run.

    Returns:
        The config, for tools/train.py.
    """
    os.environ['SESAM_DATA'] = str(data / data_set.root)
    cfg = Config.fromfile(CONFIGS / 'sesam' / f'{row.config}.py')
    _set_steps(cfg, steps)
    cfg.merge_from_dict(data_set.changes)
    _scale_images(cfg, data_set.size)
    cfg.val_evaluator = dict(type='BenchmarkMetric', volume=data_set.volume)
    hook = cfg.default_hooks.pseudo_labels
    if segmenter != SUPERPIXEL:
        base = Config.fromfile(SEGMENTERS / f'{segmenter}.py')
        hook.generator = base.generator
    one = hook.generator.segmenter
    # All runs use the same images: each is encoded once.
    hook.generator.segmenter = dict(
        type='CachedSegmenter',
        # The SAM bases have a cache of their own.
        segmenter=one.segmenter if 'segmenter' in one else one,
        folder=str(work_dir.parent / 'embeddings'),
    )
    full = Config.fromfile(CONFIGS / 'sesam' / f'{data_set.config}_full.py')
    full = full.train_dataloader.dataset
    # For the result.
    cfg.images = count_images(full)
    clicks = ''
    if clicks_of(data_set, row):
        clicks = str(
            convert_clicks(
                data_set, data, work_dir.parent.resolve() / 'clicks'
            )
        )
        cfg.train_dataloader.dataset.data_prefix.seg_map_path = clicks
    if row.mix is not None:
        apply_mix(cfg, row.mix, full.data_prefix.seg_map_path, clicks)
    cfg.merge_from_dict(row.changes)
    dataset = cfg.train_dataloader.dataset
    head = cfg.model.decode_head
    # A mix has other labels than its config, and seldom its weights.
    head.loss_decode.class_weight = (
        class_weights(dataset, head.num_classes, data_set.weight_power)
        if row.class_weights
        else None
    )
    if row.shares:
        cfg.default_hooks.class_shares = dict(
            type='ClassSharesHook',
            shares=known_shares(
                full, classes_of(full), row.pixels, seed, work_dir
            ),
        )
    cfg.model.backbone.update(
        pretrained=False,
        checkpoint_path=str(
            convert_backbone(work_dir.parent / 'tf_efficientnet_lite0.pth')
        ),
    )
    cfg.randomness = dict(seed=seed)
    cfg.work_dir = str(work_dir)
    return cfg


def clicks_of(data_set: DataSet, row: Row) -> tuple[str, ...]:
    """Returns the files of clicks that a row reads."""
    return () if row.config.endswith('_full') else data_set.clicks


def _scale_images(cfg: Config, factor: float) -> None:
    """Scales the images of training and validation, and the crops."""
    if factor == 1:
        return

    def scaled(sides: tuple[int, int]) -> tuple[int, int]:
        return tuple(round(factor * side) for side in sides)

    model, loader = cfg.model, cfg.train_dataloader
    model.data_preprocessor.size = scaled(model.data_preprocessor.size)
    for step in iterate_transforms(loader.dataset):
        if step['type'] == 'RandomCrop':
            step['crop_size'] = scaled(step['crop_size'])
        elif step['type'] == 'RandomResize':
            size = step['scale'] = scaled(step['scale'])
    pipeline = cfg.val_dataloader.dataset.pipeline
    steps = [step for step in pipeline if step.type != 'Resize']
    # Predictions are scored at the size of the label.
    resize = dict(type='Resize', scale=size, keep_ratio=True)
    cfg.val_dataloader.dataset.pipeline = [steps[0], resize, *steps[1:]]


def saved_config(work_dir: Path, **settings: Any) -> Config:
    """Returns the config in a work dir, which is made and saved once.

    A run that was interrupted goes on with the config it began with, and
    gives what it would have given.

    Args:
        work_dir: of the run.
        **settings: all other arguments of `make_config`.
    """
    saved = work_dir / 'row.py'
    if not saved.exists():
        work_dir.mkdir(parents=True, exist_ok=True)
        make_config(**settings, work_dir=work_dir).dump(saved)
    cfg = Config.fromfile(saved)
    cfg.resume = True
    add_safeguards(cfg)
    return cfg


def _set_steps(cfg: Config, steps: int) -> None:
    """Stretches the schedule of a config."""
    warmup, decay = cfg.param_scheduler
    warmup.end = decay.begin = max(steps // 20, 1)
    decay.end = cfg.train_cfg.max_iters = steps
    quarter = steps // 4
    cfg.train_cfg.val_interval = quarter
    cfg.default_hooks.checkpoint.interval = quarter
    cfg.default_hooks.pseudo_labels.update(
        begin=3 * steps // 8, interval=quarter
    )
