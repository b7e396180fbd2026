"""Simulates weak labels from dense labels.

    python tools/make_weak_labels.py GT_DIR OUT_DIR --kind scribble \
        --num-classes 21

OUT_DIR gets an index PNG for each label of GT_DIR, under the same name, with
class ids, and 255 for unlabelled pixels. The same command continues a run
that was interrupted, or that a wrong label ended.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

from mmseg_sesam.annotations.classes import to_label
from mmseg_sesam.cli.arguments import (
    add_jobs,
    existing_folder,
    number_of_classes,
)
from mmseg_sesam.cli.folder_record import check_record
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.core.weak_labels import KINDS, WeakLabelSimulator
from mmseg_sesam.core.weak_labels.points import PLACEMENTS
from mmseg_sesam.io.atomic import (
    PARTS,
    STALE_SECONDS,
    remove_parts,
    replace_file,
    replacing,
)
from mmseg_sesam.io.labels import read_label, read_palette, write_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_keyed_files
from mmseg_sesam.io.names import check_unique
from mmseg_sesam.io.processes import map_in_processes
from mmseg_sesam.version import __version__

SUMMARY = 'summary.json'
# Options with what they do; --kind has lines of its own.
OPTIONS = dict(
    seed='fixes every random choice, together with the name of the image',
    min_area='pixels; smaller objects are left out',
    margin='distance of a mask to the edge, as a share of the greatest depth '
    'of its object',
    stroke_share='greatest length of a stroke, as a share of the longest path '
    'through its object',
    stroke_width='pixels',
    max_points='dots in an object as large as the image; smaller objects get '
    'fewer',
    placement='where dots lie in their object; random is any pixel',
    miss_rate='share of the dots that miss their object',
    image_points='dots in an image',
    dot_radius='pixels; 0 draws single pixels',
    block_share='share of the pixels of an object that a block labels',
)


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'gt_dir', type=existing_folder, help='folder of dense labels'
    )
    parser.add_argument('out_dir', type=Path, help='folder to be written')
    parser.add_argument('--kind', choices=KINDS, required=True)
    parser.add_argument('--num-classes', type=number_of_classes, required=True)
    add_jobs(parser)
    group = parser.add_argument_group('options of WeakLabelSimulator')
    for field in fields(WeakLabelSimulator):
        if field.name not in OPTIONS:
            continue
        kinds = ', '.join(field.metadata.get('kinds', ['all kinds']))
        group.add_argument(
            f'--{field.name.replace("_", "-")}',
            type=type(field.default),
            default=field.default,
            choices=PLACEMENTS if field.name == 'placement' else None,
            help=f'{kinds}: {OPTIONS[field.name]} (default: %(default)s)',
        )
    return parser


class Task(NamedTuple):
    """What all images have in common."""

    out_dir: Path
    simulator: WeakLabelSimulator
    num_classes: int


def simulate(task: Task, named: tuple[str, Path]) -> tuple[int, int]:
    """Writes the weak label of one image, unless an earlier run did.

    Returns:
        Number of labelled pixels, and of all pixels.

    Raises:
        ValueError: the file is no label of `num_classes` classes.
    """
    out_dir, simulator, num_classes = task
    key, path = named
    out, remedy = out_dir / f'{key}.png', 'correct it, or --num-classes'
    changed = path.stat().st_mtime_ns
    if out.is_file() and out.stat().st_mtime_ns == changed:
        weak = to_label(read_label(out), num_classes, out, remedy=remedy)
    else:
        label = to_label(read_label(path), num_classes, path, remedy=remedy)
        weak = simulator(label, zlib.crc32(os.fsencode(key)))
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as part:
            write_label(part, weak, read_palette(path))
        # Marks the dense label that it is made from; an unpacked archive may
        # replace that by an older file.
        os.utime(out, ns=(changed, changed))
    return int((weak != 255).sum()), weak.size


def list_labels(gt_dir: Path, out_dir: Path) -> list[tuple[str, Path]]:
    """Returns key and path of each dense label."""
    # Weak labels of an earlier run may lie among the dense ones.
    named = list_keyed_files(gt_dir, LABEL_SUFFIXES, [out_dir])
    if not named:
        raise ValueError(
            f'{gt_dir} holds no PNG or TIFF files; give the folder of the '
            'dense labels.'
        )
    problem = 'would both be written to {name}.png'
    check_unique(named, problem, 'take one of them out')
    return named


def make(args: Namespace) -> str:
    """Writes all weak labels and a summary; returns it as a sentence."""
    options = {name: getattr(args, name) for name in OPTIONS}
    simulator = WeakLabelSimulator(args.kind, **options)
    named = list_labels(args.gt_dir, args.out_dir)
    record = dict(
        asdict(simulator),
        gt_dir=str(args.gt_dir.resolve()),
        # Another version may draw other labels.
        version=__version__,
    )
    check_record(args.out_dir / SUMMARY, record)
    remove_parts(args.out_dir.rglob(PARTS), STALE_SECONDS)
    task = Task(args.out_dir, simulator, args.num_classes)
    counts = map_in_processes(simulate, task, named, args.jobs, args.kind, 4)
    labelled, pixels = map(sum, zip(*counts))
    summary = dict(
        record,
        num_classes=args.num_classes,
        images=len(named),
        labelled=labelled / pixels,
    )
    replace_file(args.out_dir / SUMMARY, json.dumps(summary, indent=1) + '\n')
    return f'{len(named)} weak labels, {labelled / pixels:.2%} of pixels'


def main() -> None:
    args = make_parser().parse_args()
    try:
        with interruptible('make_weak_labels'):
            print(make(args))
    except (OSError, ValueError) as error:
        sys.exit(f'make_weak_labels: {error}')


if __name__ == '__main__':
    main()
