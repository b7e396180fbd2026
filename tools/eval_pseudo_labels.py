"""Measures pseudo-labels against dense labels of the same images.

Both folders hold index images. A pseudo-label belongs to the dense label with
the same end of its path: JPEGImages/a.png belongs to SegmentationClass/a.png.
A dense label belongs to one pseudo-label. Files without a counterpart are left
out and listed::

    python tools/eval_pseudo_labels.py PSEUDO_DIR GT_DIR --num-classes 21
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path

from mmseg_sesam.cli.arguments import (
    add_gt_suffix,
    number_of_classes,
    writable_file,
)
from mmseg_sesam.evaluation.folders import compare_folders
from mmseg_sesam.evaluation.label_quality import quality_table
from mmseg_sesam.evaluation.matching import describe_left_out
from mmseg_sesam.store.store import LABELS, PseudoLabelStore


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'pseudo_dir',
        type=Path,
        help='folder of labels, or of a store with a published round',
    )
    parser.add_argument('gt_dir', type=Path, help='folder of dense labels')
    parser.add_argument('--num-classes', type=number_of_classes, required=True)
    add_gt_suffix(parser)
    parser.add_argument(
        '--reduce-zero-label',
        action='store_true',
        help='dense labels hold ids from 1, and 0 for unlabelled, as labels '
        'of ADE20K do; pseudo-labels hold ids from 0 in any case',
    )
    parser.add_argument(
        '--json',
        type=writable_file,
        help='write the numbers here, with the keys coverage (labelled) and '
        'precision (right)',
    )
    return parser


def label_folder(folder: Path) -> Path:
    """Returns the labels of a store's published round, or the folder."""
    store = PseudoLabelStore(folder)
    if store.current is None:
        return folder
    return store.folder(store.current) / LABELS


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    try:
        result = compare_folders(
            label_folder(args.pseudo_dir),
            args.gt_dir,
            args.num_classes,
            tuple(args.gt_suffix),
            args.reduce_zero_label,
        )
    except (ValueError, FileNotFoundError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    for kind, counterpart in (
        ('pseudo-label', 'dense label'),
        ('dense label', 'pseudo-label'),
    ):
        alone = result[f'without {counterpart}']
        for sentence in describe_left_out(f'{kind}s', counterpart, alone):
            print(sentence)
    names = [str(index) for index in range(args.num_classes)]
    print(f'\npseudo-labels ({result["images"]} images, %)')
    print(quality_table(result['quality'], names))
    if args.json:
        # JSON has no NaN: a share of no pixels becomes null.
        result = json.loads(json.dumps(result), parse_constant=lambda _: None)
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == '__main__':
    main()
