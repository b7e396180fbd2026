"""Simulates weak labels from dense labels.

    python tools/make_weak_labels.py GT_DIR OUT_DIR --kind scribble \
        --num-classes 21

OUT_DIR gets an index PNG for each label of GT_DIR, under the same name, with
class ids, and 255 for unlabelled pixels.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zlib
from argparse import ArgumentParser, Namespace
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

from mmseg_sesam.annotations.classes import to_label
from mmseg_sesam.cli.arguments import (
    add_jobs,
    new_folder,
    number_of_classes,
)
from mmseg_sesam.core.weak_labels import KINDS, WeakLabelSimulator
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.io.labels import read_label, read_palette, write_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files
from mmseg_sesam.io.names import check_unique
from mmseg_sesam.io.terminal import Progress

SUMMARY = 'summary.json'
# Options with their defaults; --kind has none.
OPTIONS = {
    field.name: field.default
    for field in fields(WeakLabelSimulator)
    if field.name != 'kind'
}


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('gt_dir', type=Path, help='folder of dense labels')
    parser.add_argument(
        'out_dir', type=new_folder, help='folder to be written'
    )
    parser.add_argument('--kind', choices=KINDS, required=True)
    parser.add_argument('--num-classes', type=number_of_classes, required=True)
    add_jobs(parser)
    group = parser.add_argument_group('options of WeakLabelSimulator')
    for name, default in OPTIONS.items():
        group.add_argument(
            f'--{name.replace("_", "-")}',
            type=type(default),
            default=default,
            help='default: %(default)s',
        )
    return parser


def simulate(
    relative: str,
    gt_dir: Path,
    out_dir: Path,
    simulator: WeakLabelSimulator,
    num_classes: int,
) -> tuple[int, int]:
    """Writes the weak label of one image.

    Returns:
        Number of labelled pixels, and of all pixels.

    Raises:
        ValueError: the file is no label of `num_classes` classes.
    """
    path = gt_dir / relative
    remedy = 'correct it, or --num-classes'
    label = to_label(read_label(path), num_classes, path, remedy=remedy)
    key = Path(relative).with_suffix('').as_posix()
    weak = simulator(label, zlib.crc32(os.fsencode(key)))
    out = (out_dir / relative).with_suffix('.png')
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as part:
        write_label(part, weak, read_palette(path))
    return int((weak != 255).sum()), weak.size


def empty(folder: Path) -> None:
    """Removes all that a folder holds, and not the folder."""
    for path in folder.glob('*'):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def make(args: Namespace) -> str:
    """Writes all weak labels and a summary; returns it as a sentence."""
    options = {name: getattr(args, name) for name in OPTIONS}
    simulator = WeakLabelSimulator(args.kind, **options)
    if not args.gt_dir.is_dir():
        raise ValueError(
            f'{args.gt_dir} is no folder; give the folder of the dense labels.'
        )
    relative = sorted(
        path.relative_to(args.gt_dir).as_posix()
        for path in list_files(args.gt_dir, LABEL_SUFFIXES)
    )
    if not relative:
        raise ValueError(
            f'{args.gt_dir} holds no PNG or TIFF files; give the folder of '
            'the dense labels.'
        )
    named = [(Path(r).with_suffix(''), args.gt_dir / r) for r in relative]
    problem = 'would both be written to {name}.png'
    check_unique(named, problem, 'take one of them out')
    work = partial(
        simulate,
        gt_dir=args.gt_dir,
        out_dir=args.out_dir,
        simulator=simulator,
        num_classes=args.num_classes,
    )
    is_new = not args.out_dir.exists()
    try:
        with ProcessPoolExecutor(args.jobs) as pool:
            counts = pool.map(work, relative, chunksize=4)
            progress = Progress(counts, total=len(relative), desc=args.kind)
            counts = list(progress)
    except BaseException:
        # It was empty: the corrected command shall not be refused.
        empty(args.out_dir)
        if is_new and args.out_dir.exists():
            args.out_dir.rmdir()
        raise
    labelled, pixels = map(sum, zip(*counts))
    summary = dict(
        asdict(simulator),
        num_classes=args.num_classes,
        images=len(relative),
        labelled=labelled / pixels,
    )
    (args.out_dir / SUMMARY).write_text(json.dumps(summary, indent=1))
    return f'{len(relative)} weak labels, {labelled / pixels:.2%} of pixels'


def main() -> None:
    args = make_parser().parse_args()
    try:
        print(make(args))
    except BrokenProcessPool:
        sys.exit(
            'make_weak_labels: a process was killed, probably because the '
            'memory did not suffice; give fewer --jobs.'
        )
    except (OSError, ValueError) as error:
        sys.exit(f'make_weak_labels: {error}')


if __name__ == '__main__':
    main()
