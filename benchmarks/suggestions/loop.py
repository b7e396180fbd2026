"""Rounds of labelling more images and training on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from mmengine.runner import Runner

from benchmarks.accuracy.mixes import Mix
from benchmarks.accuracy.rows import Row
from benchmarks.accuracy.score import score_run
from benchmarks.accuracy.sets import HALVES
from benchmarks.accuracy.setting import SUPERPIXEL, saved_config
from mmseg_sesam.annotations.cost import RATES
from mmseg_sesam.start.split import split_blocks
from mmseg_sesam.suggest import suggest

STRATEGIES = ('suggest', 'random')
# Share of the images that a round labels. Scribbles on a quarter of them teach
# almost what scribbles on all do (docs/mixed.md), so that a choice can help
# only where fewer are labelled.
SHARE = 0.03
# Share of the training images that validation gets. CamVid's own validation
# images are of one of the three videos, and would reward labels of this one.
HELD = 0.2
_SET = HALVES['half-camvid']
_RATE = RATES['voc-scribble']


def run_rounds(
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
        strategy: one of `STRATEGIES`.
        seed: of the first images, of random choice and of the trainings.
        rounds: of labelling.
        steps: of each training.
        data: folder that holds all data sets.
        out: folder of the runs.
        results: folder of the results.
    """
    names = sorted(path.stem for path in (data / _SET.dense).glob('*.png'))
    pool, held = (
        [names.index(name) for name in part]
        for part in split_blocks(names, HELD)
    )
    number = max(round(SHARE * len(pool)), 1)
    order = np.random.default_rng(seed).permutation(pool)
    chosen = sorted(order[:number].tolist())
    for index in range(rounds):
        # Both strategies start from the same training.
        start = strategy if index else 'first'
        name = f'{start}-s{steps}-seed{seed}-round{index}'
        path = results / f'{name}.json'
        work_dir = out / name
        if not path.exists():
            mix = Mix(
                'scribble', unlabelled=True, chosen=chosen, left_out=held
            )
            _train(mix, seed, steps, data, work_dir)
            record = dict(
                strategy=start,
                seed=seed,
                round=index,
                steps=steps,
                images=chosen,
                minutes=round(60 * _RATE.hours(len(chosen)), 1),
                **score_run(_SET, work_dir, data),
            )
            results.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record) + '\n')
        if index + 1 == rounds:
            break
        if strategy == 'random':
            chosen = sorted(order[: (index + 2) * number].tolist())
        else:
            chosen = sorted(
                chosen + _suggested(work_dir, names, chosen, number)
            )


def _train(
    mix: Mix, seed: int, steps: int, data: Path, work_dir: Path
) -> None:
    """Trains on scribbles, and validates on the images that are left out."""
    val = 'val_dataloader.dataset'
    changes = {
        f'{val}.indices': mix.left_out,
        f'{val}.data_prefix.img_path': 'images/train',
        f'{val}.data_prefix.seg_map_path': 'annotations/train',
    }
    row = Row(
        f'{_SET.config}_scribble', 'scribbles in rounds', changes, mix=mix
    )
    cfg = saved_config(work_dir, _SET, row, SUPERPIXEL, seed, steps, data)
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
