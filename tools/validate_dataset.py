"""Checks the images and labels of a config, before it is trained.

    python tools/validate_dataset.py CONFIG --json report.json

Exit code 1 where there are errors, which name files and remedies.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from mmengine.config import Config, DictAction

from mmseg_sesam.cli.arguments import config_file


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument(
        '--json', type=Path, help='write everything here, all files named'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override the config, as in tools/train.py',
    )
    return parser


def main() -> None:
    parser = make_parser()
    args = parser.parse_args()
    if args.json and not args.json.parent.is_dir():
        parser.error(f'argument --json: {args.json.parent} is not a folder')
    if args.jobs < 1:
        parser.error(f'argument --jobs: {args.jobs} is less than 1')
    from mmseg_sesam.datasets.validation import validate_datasets

    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    try:
        report = validate_datasets(cfg, args.jobs)
    except ValueError as error:
        sys.exit(f'validate_dataset: {error}')
    except BrokenProcessPool:
        sys.exit(
            'validate_dataset: a process was killed, perhaps for its memory; '
            'try fewer --jobs.'
        )
    if args.json:
        args.json.write_text(json.dumps(report.as_json(), indent=1))
    # Names of files may hold what a terminal's encoding does not.
    sys.stdout.reconfigure(errors='backslashreplace')
    print(report)
    sys.exit(report.number('error') > 0)


if __name__ == '__main__':
    main()
