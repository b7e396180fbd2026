"""Packs predictions for the servers of VOC 2012, Cityscapes or ADE20K.

The predictions are a folder that tools/test.py --out wrote, or a network
predicts the test images now. The tool checks them against the rules of the
server::

    python tools/make_submission.py voc OUT.tar.gz --predictions DIR
    python tools/make_submission.py cityscapes OUT.zip --images DIR \\
        --model CONFIG CHECKPOINT
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmseg_sesam.cli.arguments import existing_file, existing_folder
from mmseg_sesam.evaluation.submission import (
    SERVERS,
    find_images,
    read_predictions,
    write_archive,
)
from mmseg_sesam.io.terminal import Progress


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('server', choices=SERVERS)
    parser.add_argument('out', type=Path, help='archive, not there yet')
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        '--predictions',
        type=existing_folder,
        help='folder that tools/test.py wrote',
    )
    source.add_argument(
        '--model',
        nargs=2,
        type=existing_file,
        metavar=('CONFIG', 'CHECKPOINT'),
    )
    parser.add_argument(
        '--images',
        type=existing_folder,
        help='folder of the test images; with --predictions, to check that '
        'all are there in their size',
    )
    parser.add_argument(
        '--list',
        type=lambda path: Path(existing_file(path)),
        help='names of the test images, one a line, if --images holds others '
        'too, such as ImageSets/Segmentation/test.txt of VOC',
    )
    parser.add_argument(
        '--first-id',
        type=int,
        help='value of the first class in --predictions (default: 1 for '
        'ADE20K, as tools/test.py writes, else 0)',
    )
    return parser


def check_arguments(parser: ArgumentParser, args: Namespace) -> None:
    suffix = SERVERS[args.server].suffix
    if not args.out.name.endswith(suffix) or not args.out.parent.is_dir():
        parser.error(
            f'argument out: {args.out} is no file name ending in {suffix} in '
            'a folder that is there'
        )
    if args.out.exists():
        parser.error(f'argument out: {args.out} is there already')
    if args.model and not args.images:
        parser.error('--model needs --images')
    if args.model and args.first_id is not None:
        parser.error('--first-id is for --predictions')
    if args.list and not args.images:
        parser.error('--list needs --images')


def predict(
    config: str, checkpoint: str, images: Sequence[Path]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the name and the (H, W) class ids of each image.

    Raises:
        ValueError: the checkpoint lacks weights of the model, or an image
            cannot be predicted.
    """
    from mmengine.device import get_device

    from mmseg_sesam.cli.configs import read_config
    from mmseg_sesam.engine.predictor import Predictor, try_to_predict

    cfg = read_config(config, None, 'model')
    predictor = Predictor(cfg, checkpoint, get_device())
    for path in Progress(images, desc='predicting'):
        prediction = try_to_predict(predictor, path)
        if isinstance(prediction, str):
            raise ValueError(prediction)
        yield path.stem, prediction.label


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    check_arguments(parser, args)
    server = SERVERS[args.server]
    first_id = args.first_id
    if first_id is None:
        first_id = int(args.server == 'ade20k')
    try:
        images = find_images(args.images, args.list) if args.images else []
        predictions = (
            predict(*args.model, images)
            if args.model
            else read_predictions(args.predictions, first_id)
        )
        count, problems = write_archive(predictions, server, args.out, images)
    except (OSError, ValueError) as error:
        sys.exit(f'make_submission: {error}')
    print(f'{args.out}: {count} predictions')
    for problem in problems:
        print(problem)
    sys.exit(int(bool(problems)))


if __name__ == '__main__':
    main()
