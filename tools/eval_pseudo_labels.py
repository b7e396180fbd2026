"""Measures pseudo-labels against dense labels of the same images.

Both folders hold index images. A pseudo-label belongs to the dense label whose
path ends alike, so that JPEGImages/a.png finds SegmentationClass/a.png, and a
dense label to one pseudo-label. What has no counterpart is left out and
listed::

    python tools/eval_pseudo_labels.py PSEUDO_DIR GT_DIR --num-classes 21
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path

from mmseg_sesam.cli.arguments import add_suffix
from mmseg_sesam.evaluation.folders import compare_folders
from mmseg_sesam.evaluation.label_quality import quality_table
from mmseg_sesam.evaluation.matching import describe_left_out
from mmseg_sesam.store.store import LABELS, PseudoLabelStore


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'pseudo_dir',
        type=Path,
        help='folder of labels, or of a store, of which the published round '
        'is taken',
    )
    parser.add_argument('gt_dir', type=Path, help='folder of dense labels')
    parser.add_argument('--num-classes', type=int, required=True)
    parser.add_argument(
        '--weak-dir',
        type=Path,
        help='folder of weak labels, to tell what was added to them',
    )
    add_suffix(parser, 'gt', '_gtFine_labelTrainIds')
    add_suffix(parser, 'weak', '_gtCoarse_labelTrainIds')
    parser.add_argument(
        '--reduce-zero-label',
        action='store_true',
        help='dense and weak labels hold ids from 1, and 0 where there is '
        'none, as those of ADE20K do',
    )
    parser.add_argument('--json', type=Path, help='write the numbers here')
    return parser


def label_folder(folder: Path) -> Path:
    """The label maps of a store's published round, or the folder itself."""
    store = PseudoLabelStore(folder)
    if store.current is None:
        return folder
    return store.folder(store.current) / LABELS


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    if args.json and not args.json.parent.is_dir():
        parser.error(f'argument --json: {args.json.parent} is not a folder')
    try:
        result = compare_folders(
            label_folder(args.pseudo_dir),
            args.gt_dir,
            args.num_classes,
            args.weak_dir,
            tuple(args.gt_suffix),
            tuple(args.weak_suffix),
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
    for title, quality in result['quality'].items():
        print(f'\n{title} ({result["images"]} images, %)')
        print(quality_table(quality, names))
    if args.json:
        # A share of nothing becomes null: NaN is not JSON.
        result = json.loads(json.dumps(result), parse_constant=lambda _: None)
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == '__main__':
    main()
