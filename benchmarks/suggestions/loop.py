"""Rounds of labelling more images and training on them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from benchmarks.accuracy.mixes import Mix
from benchmarks.accuracy.rows import Row
from benchmarks.accuracy.score import score_run
from benchmarks.accuracy.sets import HALVES, DataSet
from benchmarks.accuracy.setting import CONFIGS, SUPERPIXEL, saved_config
from mmseg_sesam.annotations.cost import RATES
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.start.split import split_blocks
from mmseg_sesam.suggest import suggest

STRATEGIES = ('suggest', 'random')
_RATE = RATES['voc-scribble']


class Setting(NamedTuple):
    """A data set that is labelled in rounds.

    Attributes:
        data_set: one of `HALVES`.
        share: of the training images that a round labels.
        held: share of the training images that validation gets; 0 for the
            validation images of the set.
        steps: of each training.
    """

    data_set: DataSet
    share: float
    steps: int
    held: float = 0


SETTINGS = {
    # Scribbles on a quarter of its images teach almost what scribbles on all
    # do (docs/mixed.md), so that a choice can help only where fewer are
    # labelled. Its own validation images are of one of the three videos, and
    # would reward labels of this one.
    'camvid': Setting(HALVES['half-camvid'], share=0.03, steps=400, held=0.2),
    'voc': Setting(HALVES['half-voc'], share=0.1, steps=800),
}


def run_rounds(
    name: str,
    strategy: str,
    seed: int,
    rounds: int,
    steps: int,
    data: Path,
    out: Path,
    results: Path,
) -> None:
    """Labels and trains some times, and writes a result for each round.

    Args:
        name: one of `SETTINGS`.
        strategy: one of `STRATEGIES`.
        seed: of the first images, of random choice and of the trainings.
        rounds: of labelling.
        steps: of each training.
        data: folder that holds all data sets.
        out: folder of the runs.
        results: folder of the results.

    Raises:
        FileNotFoundError: a training is gone, from which images of the next
            round are suggested.
    """
    data_set, share, _, held_share = SETTINGS[name]
    names = _image_names(data_set, data)
    pool, held = names, []
    if held_share:
        pool, held = split_blocks(names, held_share)
    pool, held = (list(map(names.index, part)) for part in (pool, held))
    number = max(round(share * len(pool)), 1)
    order = np.random.default_rng(seed).permutation(pool)
    chosen = sorted(order[:number].tolist())
    for index in range(rounds):
        # Both strategies start from the same training.
        start = strategy if index else 'first'
        run = f'{name}-{start}-s{steps}-seed{seed}-round{index}'
        path, work_dir = results / f'{run}.json', out / run
        chosen = _images_of_round(path, work_dir / 'images.json', chosen)
        if not path.exists():
            mix = Mix(
                'scribble', unlabelled=True, chosen=chosen, left_out=held
            )
            _train(data_set, mix, seed, steps, data, work_dir)
            record = dict(
                set=name,
                strategy=start,
                seed=seed,
                round=index,
                steps=steps,
                images=chosen,
                minutes=round(60 * _RATE.hours(len(chosen)), 1),
                **score_run(data_set, work_dir, data),
            )
            results.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record) + '\n')
        if index + 1 == rounds:
            break
        if strategy == 'random':
            chosen = sorted(order[: (index + 2) * number].tolist())
        elif not work_dir.is_dir():
            raise FileNotFoundError(
                f'{path} holds the result of a training that {out} does not '
                'hold, and suggestions need the trained network; give a new '
                'folder as --results, to train it again.'
            )
        else:
            chosen = sorted(
                chosen + _suggested(work_dir, names, chosen, number)
            )


def _images_of_round(
    result: Path, begun: Path, chosen: list[int]
) -> list[int]:
    """Returns the images that a round was begun with, or those for it now.

    Another machine may suggest other images than this one did.

    Args:
        result: of the round, once it is finished.
        begun: file of its images, written where there is neither file.
        chosen: images for a round that begins.
    """
    for record in (result, begun):
        if record.exists():
            return json.loads(record.read_text())['images']
    begun.parent.mkdir(parents=True, exist_ok=True)
    with replacing(begun) as part:
        part.write_text(json.dumps(dict(images=chosen)))
    return chosen


def _image_names(data_set: DataSet, data: Path) -> list[str]:
    """Returns the names of the training images in the order of the config."""
    os.environ['SESAM_DATA'] = str(data / data_set.root)
    cfg = Config.fromfile(CONFIGS / 'sesam' / f'{data_set.config}_full.py')
    init_default_scope('mmseg')
    images = DATASETS.build({**cfg.train_dataloader.dataset, 'pipeline': []})
    paths = [images.get_data_info(i)['img_path'] for i in range(len(images))]
    return [Path(path).stem for path in paths]


def _train(
    data_set: DataSet,
    mix: Mix,
    seed: int,
    steps: int,
    data: Path,
    work_dir: Path,
) -> None:
    """Trains on scribbles, and validates on images that are left out."""
    changes = {}
    if mix.left_out:
        val = 'val_dataloader.dataset'
        changes = {
            f'{val}.indices': mix.left_out,
            f'{val}.data_prefix.img_path': 'images/train',
            f'{val}.data_prefix.seg_map_path': 'annotations/train',
        }
    # Scribbles are simulated in place of the labels that a config has.
    kind = 'scribble' if 'scribble' in data_set.kinds else 'point'
    row = Row(
        f'{data_set.config}_{kind}', 'scribbles in rounds', changes, mix=mix
    )
    cfg = saved_config(
        work_dir,
        data_set=data_set,
        row=row,
        segmenter=SUPERPIXEL,
        seed=seed,
        steps=steps,
        data=data,
    )
    # One of the same name would write into the logs of the round before.
    cfg.visualizer.name = work_dir.name
    Runner.from_cfg(cfg).train()


def _suggested(
    work_dir: Path, names: list[str], chosen: list[int], number: int
) -> list[int]:
    """Returns the first images without a label that are suggested."""
    folder = work_dir / 'suggested'
    # What an interrupted call left.
    shutil.rmtree(folder, ignore_errors=True)
    # A label that is there cannot be improved here, so that images that have
    # one are passed over.
    time = _RATE.hours(number + len(chosen)) * 60
    found = suggest(work_dir, folder, time, formats=[], jobs=2)
    order = [
        names.index(Path(one['image']).stem) for one in found['suggestions']
    ]
    return [place for place in order if place not in chosen][:number]
