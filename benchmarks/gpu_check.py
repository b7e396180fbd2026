"""Checks the package on a GPU, and writes what it found to one file.

    make gpu-check

It takes some ten minutes, downloads nothing and needs no data: the segmenters
have random weights, and the images are rendered. Please send gpu_check.json
back with an issue or a pull request.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable

# First of all: on mmcv-lite, mmseg imports after it alone.
import mmseg_sesam

# isort: split
import numpy as np
import torch

from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.report.run import read_scalars

from .pseudo_labels.data import SMALLEST, VOC, Size, make_image
from .pseudo_labels.families import FAMILIES, prepare

ROOT = Path(__file__).resolve().parents[1]
# Models whose masks are compared: one of each family, and none too large.
MODELS = (
    'segment_anything_vit_b',
    'sam_vit_b',
    'sam_hq',
    'sam2_1_hiera_t',
    'sam3',
)
# Least share of equal pixels in fp32 on both devices.
EQUAL = 0.999
STEPS = 20
# Words of each training, after the config.
TRAININGS: dict[str, list[str]] = {
    'fp32': [],
    'fp16': ['--amp'],
    'bf16': ['--amp', '--cfg-options', 'optim_wrapper.dtype=bfloat16'],
}
# Module and words of each benchmark, without the device.
BENCHMARKS: dict[str, tuple[str, ...]] = {
    'vit_b': ('pseudo_labels', '--parts', 'pipelines', '--models', 'vit_b'),
    'vit_h': ('pseudo_labels', '--parts', 'pipelines', '--models', 'vit_h'),
    'train_step': ('train_step', '--size', '512', '--batch', '4'),
}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.gpu_check',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument('--json', type=Path, default=Path('gpu_check.json'))
    parser.add_argument('--device', default='cuda')
    parser.add_argument(
        '--models', nargs='*', choices=FAMILIES, default=MODELS
    )
    parser.add_argument(
        '--trainings', nargs='*', choices=TRAININGS, default=[*TRAININGS]
    )
    parser.add_argument(
        '--benchmarks', nargs='*', choices=BENCHMARKS, default=[*BENCHMARKS]
    )
    parser.add_argument(
        '--small', action='store_true', help='use the smallest images'
    )
    return parser


def describe_machine() -> dict[str, Any]:
    """Returns the machine and its libraries."""
    count = torch.cuda.device_count()
    return dict(
        gpus=[torch.cuda.get_device_name(i) for i in range(count)],
        capability=torch.cuda.get_device_capability() if count else None,
        cuda=torch.version.cuda,
        torch=torch.__version__,
        python=sys.version.split()[0],
        mmseg_sesam=mmseg_sesam.__version__,
    )


def compare_masks(name: str, device: str, size: Size) -> dict[str, Any]:
    """Compares masks of a segmenter on a device with those on the CPU.

    Returns:
        'passed', and 'fp32' and 'bf16': the share of equal pixels and the
        greatest difference of scores.
    """
    image = make_image(size)
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (size.width, size.height), (16, 2, 2))
    prompts = [PointPrompt(p.astype('float32')) for p in points]

    def answer(place: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
        segmenter = build(dtype=dtype).to(place)
        candidates = segmenter.decode(segmenter.encode([image])[0], prompts)
        masks = [
            candidates.mask(prompt, index)
            for prompt, scores in enumerate(candidates.scores)
            for index in range(len(scores))
        ]
        return np.stack(masks), candidates.scores

    with TemporaryDirectory() as folder:
        build = prepare(name, Path(folder))
        masks, scores = answer('cpu', 'fp32')
        found = {}
        for dtype in ('fp32', 'bf16'):
            others, rated = answer(device, dtype)
            found[dtype] = dict(
                equal=float((masks == others).mean()),
                scores=float(np.abs(scores - rated).max()),
            )
    return dict(passed=found['fp32']['equal'] >= EQUAL, **found)


def train(precision: str, folder: Path, ranks: int = 1) -> dict[str, Any]:
    """Trains the demo's network for a few steps, with a refresh.

    Returns:
        'passed', whether all losses are finite, and 'loss', the last one.
    """
    out = folder / f'{precision}-{ranks}'
    options = [
        *(f'train_cfg.max_iters={STEPS}', f'train_cfg.val_interval={STEPS}'),
        *(f'default_hooks.checkpoint.interval={STEPS}', 'resume=False'),
        *('default_hooks.pseudo_labels.begin=8', 'log_level=WARNING'),
        *('default_hooks.pseudo_labels.interval=8',),
        *('default_hooks.logger.interval=1',),
    ]
    words = TRAININGS[precision]
    if '--cfg-options' not in words:
        words = [*words, '--cfg-options']
    config = ROOT / 'configs' / 'demo' / 'sesam.py'
    start = ['bash', ROOT / 'tools' / 'dist_train.sh', config, ranks]
    if ranks == 1:
        start = [sys.executable, ROOT / 'tools' / 'train.py', config]
    _run([*start, '--work-dir', out, *words, *options], folder)
    losses = [
        line['loss']
        for start in out.glob('*/vis_data')
        for line in read_scalars(start)
        if 'loss' in line
    ]
    passed = len(losses) == STEPS and bool(np.isfinite(losses).all())
    return dict(passed=passed, loss=losses[-1] if losses else None)


def make_data(folder: Path) -> None:
    """Renders the demo's images and their scribbles into a folder."""
    data = folder / 'work_dirs' / 'demo' / 'data'
    sizes = ('--train', 16, '--val', 4, '--height', 128)
    _run([sys.executable, ROOT / 'tools/make_demo_data.py', data, *sizes])
    _run(
        [
            *(sys.executable, ROOT / 'tools' / 'make_weak_labels.py'),
            *(data / 'SegmentationClass', data / 'Scribbles'),
            *('--kind', 'scribble', '--num-classes', 8),
        ]
    )


def measure(name: str, device: str) -> dict[str, Any]:
    """Runs a benchmark; returns its numbers, beside which it prints goals."""
    module, *words = BENCHMARKS[name]
    with TemporaryDirectory() as folder:
        out = Path(folder, 'numbers.json')
        command = [sys.executable, '-m', f'benchmarks.{module}', *words]
        printed = _run([*command, '--device', device, '--json', out], ROOT)
        numbers = json.loads(out.read_text())
    return dict(passed=True, numbers=numbers, printed=printed.splitlines())


def _run(words: Sequence[object], folder: Path | None = None) -> str:
    """Runs a command; returns its output, and raises with it if it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=dict(os.environ, PYTHON=sys.executable, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    return done.stdout


def _checks(
    args: argparse.Namespace, folder: Path
) -> dict[str, Callable[[], dict[str, Any]]]:
    size = SMALLEST if args.small else VOC
    checks: dict[str, Callable[[], dict[str, Any]]] = {}
    for name in args.models:
        check = partial(compare_masks, name, args.device, size)
        checks[f'masks of {name}'] = check
    for precision in args.trainings:
        checks[f'training in {precision}'] = partial(train, precision, folder)
    if args.trainings and torch.cuda.device_count() > 1:
        checks['training on two GPUs'] = partial(train, 'fp32', folder, 2)
    for name in args.benchmarks:
        checks[f'benchmark {name}'] = partial(measure, name, args.device)
    return checks


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    if args.device == 'cuda' and not torch.cuda.is_available():
        parser.exit(1, f'{parser.prog}: torch found no GPU.\n')
    # A GPU would round products to 10 bits where the CPU has 23.
    torch.backends.cudnn.allow_tf32 = False
    found: dict[str, Any] = dict(machine=describe_machine(), checks={})
    with TemporaryDirectory() as folder:
        if args.trainings:
            make_data(Path(folder))
        for name, check in _checks(args, Path(folder)).items():
            start = time.time()
            try:
                result = check()
            except Exception:  # noqa: BLE001, the other checks go on
                result = dict(passed=False, error=traceback.format_exc())
            result['seconds'] = round(time.time() - start, 1)
            found['checks'][name] = result
            print(f'{"passed" if result["passed"] else "FAILED"}: {name}')
            args.json.write_text(json.dumps(found, indent=1) + '\n')
    print(f'\nThe numbers are in {args.json}; please send it back.')
    if not all(result['passed'] for result in found['checks'].values()):
        sys.exit(1)


if __name__ == '__main__':
    main()
