"""Shows the whole method on rendered images.

Renders a street-scene data set, draws scribbles on it, trains a small network
from the scribbles alone and with SeSAM, with the same schedule and side by
side, and compares the results. All files are in work_dirs/demo; a second run
keeps the data and trains again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image
from prettytable import PrettyTable

from mmseg_sesam.cli.arguments import whole
from mmseg_sesam.evaluation.folders import compare_folders
from mmseg_sesam.evaluation.label_quality import in_percent
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.store.store import LABELS, STORE_NAME, PseudoLabelStore
from mmseg_sesam.visualization.sheet import (
    choose_palette,
    paint_label,
    save_sheet,
)

TOOLS = Path(__file__).parent
CONFIGS = TOOLS.parent / 'configs' / 'demo'
OUT = Path('work_dirs/demo')
DATA = OUT / 'data'
DENSE, SCRIBBLES = DATA / 'SegmentationClass', DATA / 'Scribbles'
RUNS = ('weak_only', 'sesam')
PICTURES = 12


def run_tool(name: str, *words: object) -> None:
    """Runs one of the project's tools, as a user would."""
    command = [sys.executable, TOOLS / f'{name}.py', *words]
    subprocess.run([str(word) for word in command], check=True)


def prepare_data(num_classes: int) -> None:
    run_tool('make_demo_data', DATA)
    if not SCRIBBLES.exists():
        staging = SCRIBBLES.with_name('Scribbles.staging')
        shutil.rmtree(staging, ignore_errors=True)
        run_tool(
            'make_weak_labels',
            *(DENSE, staging, '--kind', 'scribble'),
            *('--num-classes', num_classes),
        )
        staging.rename(SCRIBBLES)


def make_round_0() -> None:
    """Makes the pseudo-labels of round 0."""
    for run in RUNS:
        shutil.rmtree(OUT / run, ignore_errors=True)
    run_tool('generate_pseudo_labels', CONFIGS / 'sesam.py')


def schedule(steps: int) -> list[str]:
    """Returns the options that give a training some number of steps."""
    hooks = 'default_hooks'
    values = {
        'train_cfg.max_iters': steps,
        'train_cfg.val_interval': steps,
        'param_scheduler.0.end': steps,
        f'{hooks}.checkpoint.interval': steps,
        f'{hooks}.training_pictures.interval': steps // 2,
        f'{hooks}.pseudo_labels.begin': steps // 2,
        f'{hooks}.pseudo_labels.interval': steps // 4,
    }
    return [f'{key}={value}' for key, value in values.items()]


def train_all(steps: int) -> dict[str, float]:
    """Trains all runs side by side; returns their val mIoU in percent.

    The terminal shows the last run, the others write to a file. Small
    networks use several cores better in two processes than in one.
    """
    threads = max(1, (os.cpu_count() or 1) // len(RUNS))
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    processes = {}
    for run in RUNS:
        log = None if run == RUNS[-1] else (OUT / f'{run}.log').open('w')
        processes[run] = subprocess.Popen(
            [
                *(sys.executable, str(TOOLS / 'train.py')),
                *(f'{CONFIGS / run}.py', '--cfg-options', *schedule(steps)),
            ],
            env=environment,
            stdout=log,
            stderr=log,
        )
    failed = [run for run in reversed(RUNS) if processes[run].wait()]
    if failed:
        sys.exit(f'demo: the training {failed[0]} failed, see {OUT}.')
    return {run: read_miou(OUT / run) for run in RUNS}


def read_miou(work_dir: Path) -> float:
    """Returns the last val mIoU in a training's log, in percent."""
    from mmseg_sesam.report.run import read_scalars

    starts = sorted(work_dir.glob('*/vis_data'))
    lines = read_scalars(starts[-1])
    return [line['mIoU'] for line in lines if 'mIoU' in line][-1]


def measure_rounds(store: PseudoLabelStore, num_classes: int) -> list[dict]:
    """Compares the labels of each round with the dense ones, in percent."""
    rounds = []
    for index in range(store.current + 1):
        result = compare_folders(
            store.folder(index) / LABELS, DENSE, num_classes
        )
        rounds.append(in_percent(result['quality']))
    return rounds


def draw_pictures(cfg: Config, store: PseudoLabelStore) -> Path:
    """Writes sheets of single images, of three, and of all."""
    from mmseg.apis import inference_model, init_model

    folder = OUT / 'pictures'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    models = {}
    for run in RUNS:
        checkpoint = (OUT / run / 'last_checkpoint').read_text()
        models[run] = init_model(
            str(CONFIGS / f'{run}.py'), checkpoint, device='cpu'
        )
    rounds = range(store.current + 1)
    titles = ['image', 'scribbles', *(f'round {r}' for r in rounds)]
    titles += ['weak only', 'SeSAM', 'truth']
    names = (DATA / 'ImageSets/Segmentation/train.txt').read_text().split()
    info = cfg.metainfo
    palette = choose_palette(info.palette, len(info.classes))
    rows = []
    for name in names[:PICTURES]:
        path = DATA / 'JPEGImages' / f'{name}.jpg'
        image = np.array(Image.open(path))
        labels = [read_label(SCRIBBLES / f'{name}.png')]
        labels += [store.read(f'JPEGImages/{name}', r) for r in rounds]
        for run in RUNS:
            result = inference_model(models[run], str(path))
            labels.append(result.pred_sem_seg.data[0].numpy())
        labels.append(read_label(DENSE / f'{name}.png'))
        painted = [paint_label(image, a, palette) for a in labels]
        rows.append([image, *painted])
        save_sheet(folder / f'{name}.png', rows[-1:], titles)
    save_sheet(folder / 'method.png', rows[:3], titles)
    save_sheet(folder / 'all.png', rows, titles)
    return folder


def print_table(summary: dict) -> None:
    """Prints the measures so far."""
    table = PrettyTable(['', 'labelled', 'right', 'IoU', 'val mIoU'])
    table.align[''] = 'l'
    miou = {run: f'{x:.1f}' for run, x in summary.get('miou', {}).items()}
    labelled = f'{summary["weak_labelled"]:.1f}'
    weak_only = miou.get('weak_only', '')
    table.add_row(['scribbles (weak only)', labelled, '', '', weak_only])
    for index, quality in enumerate(summary['rounds']):
        numbers = (f'{value:.1f}' for value in quality.values())
        table.add_row([f'SeSAM, round {index}', *numbers, ''])
    if miou:
        table.add_row(['SeSAM', '', '', '', miou['sesam']])
    print(
        f'\nPseudo-labels of the training images, and val mIoU (%)\n{table}',
        flush=True,
    )


def main() -> None:
    cfg = Config.fromfile(CONFIGS / 'sesam.py')
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        '--steps',
        type=whole('number of steps', 4),
        default=cfg.train_cfg.max_iters,
        help='of each training; few show that everything works, not what it '
        'is worth (default: %(default)s)',
    )
    args = parser.parse_args()
    start = time.time()
    num_classes = len(cfg.metainfo.classes)
    prepare_data(num_classes)
    make_round_0()
    store = PseudoLabelStore(OUT / 'sesam' / STORE_NAME)
    weak = json.loads((SCRIBBLES / 'summary.json').read_text())
    summary = dict(
        weak_labelled=round(100 * weak['labelled'], 2),
        rounds=measure_rounds(store, num_classes),
    )
    print_table(summary)
    summary['miou'] = train_all(args.steps)
    summary['rounds'] = measure_rounds(store, num_classes)
    summary['seconds'] = round(time.time() - start, 1)
    (OUT / 'summary.json').write_text(json.dumps(summary, indent=1))
    print_table(summary)
    pictures = draw_pictures(cfg, store)
    run_tool('report', OUT / 'sesam', '--gt-dir', DENSE)
    print(
        f'Trained in {summary["seconds"]:.0f} s; pictures in {pictures}, '
        f'numbers in {OUT / "summary.json"}.'
    )


if __name__ == '__main__':
    main()
