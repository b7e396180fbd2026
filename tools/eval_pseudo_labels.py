"""Measures pseudo-labels against dense labels of the same images.

Both folders hold index PNGs. A pseudo-label belongs to the dense label whose
path ends alike, so that JPEGImages/a.png finds SegmentationClass/a.png::

    python tools/eval_pseudo_labels.py PSEUDO_DIR GT_DIR --num-classes 21
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    label_quality,
    quality_table,
)
from mmseg_sesam.pseudo_labels.store import LABELS, PseudoLabelStore


def main() -> None:
    """Runs the tool."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'pseudo_dir',
        type=Path,
        help='folder of PNGs, or of a store, of which the published round '
        'is taken',
    )
    parser.add_argument('gt_dir', type=Path, help='folder of dense PNGs')
    parser.add_argument('--num-classes', type=int, required=True)
    parser.add_argument(
        '--weak-dir',
        type=Path,
        help='folder of weak PNGs, to tell what was added to them',
    )
    parser.add_argument(
        '--gt-suffix',
        nargs=2,
        metavar=('IMAGE', 'GT'),
        default=('', ''),
        help='ends of file names that differ, such as _leftImg8bit '
        '_gtFine_labelTrainIds',
    )
    parser.add_argument('--json', type=Path, help='write the numbers here')
    args = parser.parse_args()
    try:
        result = evaluate(
            _label_folder(args.pseudo_dir),
            args.gt_dir,
            args.num_classes,
            args.weak_dir,
            tuple(args.gt_suffix),
        )
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f'eval_pseudo_labels: {error}')
    names = [str(index) for index in range(args.num_classes)]
    for title, quality in result['quality'].items():
        print(f'\n{title} ({result["images"]} images, %)')
        print(quality_table(quality, names))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


def evaluate(
    pseudo_dir: Path,
    gt_dir: Path,
    num_classes: int,
    weak_dir: Path | None,
    suffixes: tuple[str, str],
) -> dict:
    """Compares all pseudo-labels with their dense labels.

    Returns:
        'images', their number, and 'quality' by kind of label.

    Raises:
        FileNotFoundError: there are no pseudo-labels, or one has no dense
            (or weak) label.
        ValueError: a file is no label of `num_classes` classes.
    """
    paths = sorted(pseudo_dir.rglob('*.png'))
    if not paths:
        raise FileNotFoundError(
            f'{pseudo_dir} holds no PNG files; give the folder of a round '
            'of pseudo-labels, or of the store.'
        )
    totals = {'pseudo-labels': 0}
    if weak_dir:
        totals.update({'weak labels': 0, 'added by pseudo-labels': 0})
    for path in paths:
        relative = path.relative_to(pseudo_dir)
        truth_path = _same_ending(relative, gt_dir, suffixes)
        truth, pseudo = _read(truth_path), _read(path)
        labels = {'pseudo-labels': pseudo}
        if weak_dir:
            weak = _read(_same_ending(relative, weak_dir, ('', '')))
            labels['weak labels'] = weak
            labels['added by pseudo-labels'] = pseudo
        for name, label in labels.items():
            counted = truth
            if name.startswith('added'):
                counted = np.where(weak == 255, truth, np.uint8(255))
            try:
                counts = confusion_matrix(counted, label, num_classes)
            except ValueError as error:
                raise ValueError(f'{path} against {truth_path}: {error}.')
            totals[name] = totals[name] + counts
    quality = {name: label_quality(total) for name, total in totals.items()}
    return dict(images=len(paths), quality=quality)


def _label_folder(folder: Path) -> Path:
    """The label maps of a store's published round, or the folder itself."""
    store = PseudoLabelStore(folder)
    if store.current is None:
        return folder
    return store.folder(store.current) / LABELS


def _same_ending(
    relative: Path, folder: Path, suffixes: tuple[str, str]
) -> Path:
    image, label = suffixes
    name = relative.stem.removesuffix(image) + label + relative.suffix
    parts = relative.with_name(name).parts
    for start in range(len(parts)):
        candidate = folder.joinpath(*parts[start:])
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f'{folder} holds no label for {relative} (looked for {name}); give '
        'the matching folder, or --gt-suffix if the names end differently.'
    )


def _read(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            label = np.array(image)
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(
            f'{path} cannot be read as an image ({error}); write it again.'
        ) from error
    if label.ndim != 2 or label.dtype != np.uint8:
        raise ValueError(
            f'{path} is {label.dtype} of shape {label.shape}, expected one '
            'channel of uint8 class ids; convert colours to class ids.'
        )
    return label


if __name__ == '__main__':
    main()
