"""Predicts all images of a folder, of any size.

OUT gets labels/ with an index PNG for each image, under the same relative
path, overlays/ with the classes over the images, and with --confidence
confidence/ with 255 times the probability of the predicted class::

    python tools/predict.py CONFIG CHECKPOINT IMAGES OUT

The config is one of this package, or plain mmseg such as
tools/export_student.py writes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmengine.config import Config

from mmseg_sesam.cli.arguments import (
    add_cfg_options,
    add_jobs,
    config_file,
    existing_file,
    whole,
)
from mmseg_sesam.cli.configs import read_config
from mmseg_sesam.cli.folder_record import check_record
from mmseg_sesam.cli.interrupts import interruptible
from mmseg_sesam.io.listing import (
    IMAGE_SUFFIXES,
    is_empty_or_absent,
    list_keyed_files,
)
from mmseg_sesam.io.names import check_unique
from mmseg_sesam.io.terminal import hide_warnings

# What the predictions of a folder were made from.
RECORD = 'predictions.json'
# Number of failed images that are named.
SHOWN = 20


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=config_file)
    parser.add_argument('checkpoint', type=existing_file)
    parser.add_argument(
        'images', type=Path, help='folder of images, at any depth, or an image'
    )
    parser.add_argument('out', type=Path, help='folder to be written')
    parser.add_argument(
        '--no-overlays', action='store_true', help='write no overlays'
    )
    parser.add_argument(
        '--confidence',
        action='store_true',
        help='write the probability of the predicted class',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='continue in OUT, and skip images that are done',
    )
    parser.add_argument(
        '--tile',
        type=whole('side of a tile in pixels', 32),
        help='largest side in pixels that is predicted as a whole; larger '
        'images are predicted in overlapping tiles of this side, unless the '
        "config's test_cfg slides a window (default: 2048)",
    )
    add_cfg_options(parser)
    add_jobs(parser, 'processes, on a machine without a GPU')
    return parser


def check_arguments(parser: ArgumentParser, args: Namespace) -> Config:
    """Returns the config; ends the program on arguments that do not fit."""
    if not args.images.exists():
        parser.error(f'argument images: {args.images} does not exist')
    if not args.resume and not is_empty_or_absent(args.out):
        parser.error(
            f'argument out: {args.out} is there and not an empty folder, and '
            'nothing in it shall be overwritten: give a new one, or --resume '
            'to continue in it'
        )
    cfg = read_config(args.config, args.cfg_options, 'model')
    mode = (cfg.model.get('test_cfg') or {}).get('mode')
    if args.tile and mode == 'slide':
        parser.error(
            f'--tile has no effect, as test_cfg of {args.config} slides a '
            'window; change its crop_size with --cfg-options'
        )
    return cfg


def find_images(args: Namespace) -> list[tuple[str, Path]]:
    """Returns key and path of each image."""
    # Predictions in a folder among the images are no images.
    images = list_keyed_files(args.images, IMAGE_SUFFIXES, [args.out])
    if not images:
        raise ValueError(
            f'{args.images} holds no image with one of the suffixes '
            f'{", ".join(IMAGE_SUFFIXES)}; give the folder of the images.'
        )
    check_unique(images, 'would both be predicted in {name}.png')
    return images


def predict(cfg: Config, args: Namespace) -> tuple[int, list[str]]:
    """Returns the number of predictions, and sentences about failures."""
    from mmengine.device import get_device

    from mmseg_sesam.engine.prediction_files import (
        PredictionFiles,
        write_predictions,
    )
    from mmseg_sesam.engine.predictor import TILE, Predictor

    images = find_images(args)
    tile = args.tile or TILE
    predictor = Predictor(cfg, args.checkpoint, get_device(), tile)
    if args.confidence:
        predictor.check_confidence()
    weights = Path(args.checkpoint)
    content = json.dumps(cfg.to_dict(), default=str, sort_keys=True)
    record = dict(
        images=str(args.images.resolve()),
        config=str(Path(args.config).resolve()),
        config_sha256=hashlib.sha256(content.encode()).hexdigest(),
        cfg_options=json.loads(json.dumps(args.cfg_options, default=str)),
        checkpoint=str(weights.resolve()),
        checkpoint_bytes=weights.stat().st_size,
        checkpoint_time=weights.stat().st_mtime_ns,
        tile=tile,
        classes=predictor.classes and [*predictor.classes],
    )
    check_record(args.out / RECORD, record)
    files = [
        PredictionFiles(
            path,
            args.out / f'labels/{key}.png',
            None if args.no_overlays else args.out / f'overlays/{key}.jpg',
            args.out / f'confidence/{key}.png' if args.confidence else None,
        )
        for key, path in images
    ]
    todo = [entry for entry in files if not entry.exist]
    if len(todo) < len(files):
        print(f'{len(files) - len(todo)} images are done already')
    failed = write_predictions(predictor, todo, args.jobs) if todo else []
    return len(files) - len(failed), failed


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    hide_warnings()
    try:
        with interruptible(
            'predict', 'the same command with --resume continues'
        ):
            cfg = check_arguments(parser, args)
            count, failed = predict(cfg, args)
    except (OSError, ValueError) as error:
        sys.exit(f'predict: {error}')
    print(f'{count} predictions in {args.out}')
    for sentence in failed[:SHOWN]:
        print(f'predict: {sentence}', file=sys.stderr)
    if failed:
        sys.exit(f'predict: {len(failed)} images lack some or all files.')


if __name__ == '__main__':
    main()
