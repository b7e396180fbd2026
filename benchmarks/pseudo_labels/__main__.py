"""Measures the time of pseudo-labels, by step and in total.

    python -m benchmarks.pseudo_labels --json pseudo_labels.json

Times are of one process and one thread: medians +- half of the interquartile
range. Row A is the plain implementation, B is A on bounding boxes, C is this
package, D and E are the encoder and the decoder of C; 'refresh' is C with the
embedding in a cache. The networks have random weights.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

# Before mmseg, which cannot be imported with mmcv-lite otherwise.
import mmseg_sesam  # noqa: F401

# isort: split
import cv2
import torch
from mmengine.registry import init_default_scope

from benchmarks.timing import Times, compare

from .cpu_stage import STAGES, Ours, Plain, whole
from .data import CITYSCAPES, SMALLEST, VOC, Size, make_image, make_label
from .families import FAMILIES, PROMPTS, measure_family
from .pipelines import MODELS, Pipelines
from .superpixels import time_superpixels
from .sweeps import peak_memory, run_sweeps

PARTS = ('cpu', 'superpixels', 'sweeps', 'pipelines', 'families')
KINDS = ('scribble', 'coarse')
CPU_GOALS = {'VOC': 8, 'Cityscapes': 35}
GPU_GOALS = (
    'ViT-H round 0: 0.85 of the encoder alone on VOC, 0.5 on Cityscapes; '
    '8 and 50 times as fast as A; 4000 prompts a second on an A100'
)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.pseudo_labels',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument('--json', type=Path, metavar='FILE')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument(
        '--parts', nargs='+', choices=PARTS, default=PARTS[:-1]
    )
    parser.add_argument(
        '--sizes',
        nargs='+',
        choices=['VOC', 'Cityscapes', 'smallest'],
        default=['VOC', 'Cityscapes'],
    )
    parser.add_argument(
        '--models', nargs='+', choices=MODELS, default=['small']
    )
    parser.add_argument(
        '--families',
        nargs='+',
        choices=FAMILIES,
        default=FAMILIES,
        help='models of the part "families", which takes a CPU in fp32',
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument(
        '--compile', action='store_true', help='compile the encoder of row C'
    )
    return parser


def time_cpu_stage(
    name: str, size: Size, kind: str, repeats: int, folder: Path
) -> dict[str, Any]:
    """Measures and prints the steps of the CPU stage."""
    label = make_label(size, kind=kind)
    plain = Plain(label, folder / 'plain.png')
    ours = Ours(label, folder / 'ours.png')
    ways = {}
    for stage in STAGES:
        ways['plain', stage] = getattr(plain, stage)
        ways['ours', stage] = getattr(ours, stage)
    ways['plain', 'whole'], ways['ours', 'whole'] = whole(plain), whole(ours)
    times = compare(ways, repeats)
    differs = max(
        abs(a - b)
        for a, b in zip(
            times['plain', 'coverage'].result, times['ours', 'coverage'].result
        )
    )
    print(
        f'\nCPU stage, {kind}, {name} {size}; shares differ by {differs:.4f}'
    )
    print('| step | plain, ms | ours, ms | ratio |\n|---|---|---|---|')
    found = {}
    for stage in (*STAGES, 'whole'):
        a, b = times['plain', stage], times['ours', stage]
        ratio = a.median / b.median
        print(f'| {stage} | {_show(a)} | {_show(b)} | {ratio:.1f} |')
        found[stage] = dict(plain=a.to_json(), ours=b.to_json(), ratio=ratio)
    if name in CPU_GOALS:
        print(f'Goal: whole at least {CPU_GOALS[name]}')
    return found


def time_pipelines(
    name: str, size: Size, model: str, args: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Measures and prints the rows A to E and 'refresh'."""
    image, label = make_image(size), make_label(size)
    pipelines = Pipelines(
        model, folder, args.device, args.compile, image, label
    )
    times = compare(pipelines.rows(), args.repeats, args.device != 'cpu')
    plain = times['A plain']
    print(f'\nPipeline, {model} on {args.device}, {name} {size}')
    print('| row | ms | A / row | agreement with A |\n|---|---|---|---|')
    found = {}
    for row, time in times.items():
        ratio, agreement = plain.median / time.median, None
        if time.result is not None:
            agreement = float((time.result == plain.result).mean())
        shown = '' if agreement is None else f'{agreement:.2%}'
        print(f'| {row} | {_show(time)} | {ratio:.2f} | {shown} |')
        found[row] = dict(time.to_json(), ratio=ratio, agreement=agreement)
    network = times['D encoder'].median + times['E decoder'].median
    ours = times['C ours'].median
    share = ours / network
    gain = times['B bounding boxes'].median / ours
    print(f'C / (D + E) = {share:.3f} (goal on a CPU: at most 1.10)')
    print(f'B / C = {gain:.2f} (goal for Cityscapes, small: at least 2)')
    refresh_gain = ours / times['refresh'].median
    print(f'C / refresh = {refresh_gain:.1f}')
    speed = 1e3 * len(pipelines.prompts()) / times['E decoder'].median
    print(f'E: {speed:.0f} prompts a second')
    if args.device != 'cpu':
        print(f'D / C = {times["D encoder"].median / ours:.3f}. {GPU_GOALS}')
    return dict(
        rows=found,
        over_network=share,
        gain_on_b=gain,
        gain_of_refresh=refresh_gain,
        prompts_per_second=speed,
    )


def sweep(repeats: int, smallest: bool) -> dict[str, Any]:
    """Measures and prints the sweeps."""
    print('\n| our CPU stage over | values | ms | slope | without the first |')
    print('|---|---|---|---|---|')
    found = {}
    for result in run_sweeps(repeats, smallest):
        values = ', '.join(map(str, result.values))
        costs = ', '.join(f'{cost:.1f}' for cost in result.costs)
        later = result.later_slope
        later = '' if later is None else f'{later:.2f}'
        print(
            f'| {result.name} ({result.note}) | {values} | {costs} | '
            f'{result.slope:.2f} | {later} |'
        )
        found[result.name] = dict(
            result._asdict(),
            slope=result.slope,
            later_slope=result.later_slope,
        )
    counts = (2, 4) if smallest else (10, 100, 1000)
    peaks = {count: peak_memory(count) for count in counts}
    shown = ', '.join(f'{n}: {peak / 1e6:.2f}' for n, peak in peaks.items())
    print(f'Peak memory in MB by images: {shown}')
    return dict(found, peak_memory=peaks)


def time_families(names: Sequence[str], repeats: int) -> dict[str, Any]:
    """Measures and prints a row for each family of segmenters."""
    print(f'\nFamilies, {VOC}, {PROMPTS} prompts, fp32')
    print('| model | encode, ms | decode, ms | memory, GiB | embedding, MiB |')
    print('|---|---|---|---|---|')
    found = {}
    for name in names:
        row = measure_family(name, repeats)
        print(
            f'| {name} | {_show(row.encode)} | {_show(row.decode)} | '
            f'{row.memory:.2f} | {row.embedding:.1f} |',
            flush=True,
        )
        found[name] = row.to_json()
    return found


def _show(times: Times) -> str:
    return f'{times.median:.1f} +- {times.spread:.1f}'


def main() -> None:
    args = make_parser().parse_args()
    if args.repeats < 1:
        sys.exit(f'pseudo_labels: --repeats is {args.repeats}, expected >= 1.')
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    init_default_scope('mmseg')
    sizes = dict(VOC=VOC, Cityscapes=CITYSCAPES, smallest=SMALLEST)
    print(f'{platform.processor() or platform.machine()}, {args.device}')
    found: dict[str, Any] = dict(repeats=args.repeats, device=args.device)
    with TemporaryDirectory() as folder:
        if 'cpu' in args.parts:
            found['cpu'] = {
                f'{name} {kind}': time_cpu_stage(
                    name, sizes[name], kind, args.repeats, Path(folder)
                )
                for name in args.sizes
                for kind in KINDS
            }
        if 'superpixels' in args.parts:
            times = time_superpixels(args.repeats)
            total = sum(time.median for time in times.values())
            shown = ', '.join(f'{n} {_show(t)} ms' for n, t in times.items())
            print(f'\nSuperpixels, 360 x 480: {shown}')
            print(f'Total: {total:.0f} ms (goal: less than 250)')
            found['superpixels'] = {n: t.to_json() for n, t in times.items()}
        if 'sweeps' in args.parts:
            found['sweeps'] = sweep(args.repeats, 'smallest' in args.sizes)
        if 'pipelines' in args.parts:
            found['pipelines'] = {
                f'{model} {name}': time_pipelines(
                    name, sizes[name], model, args, Path(folder)
                )
                for model in args.models
                for name in args.sizes
            }
        if 'families' in args.parts:
            found['families'] = time_families(args.families, args.repeats)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + '\n')


if __name__ == '__main__':
    main()
