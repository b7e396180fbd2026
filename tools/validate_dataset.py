"""Checks the images and labels of a config before training.

    python tools/validate_dataset.py CONFIG --json report.json

Prints errors and warnings with files and remedies; exit code 1 on errors.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser

from mmseg_sesam.cli.arguments import (
    add_cfg_options,
    add_jobs,
    config_file,
    writable_file,
)


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', type=config_file, help='config file')
    add_jobs(parser)
    parser.add_argument(
        '--json',
        type=writable_file,
        help='write all findings and files to this file',
    )
    add_cfg_options(parser)
    return parser


def main() -> None:
    args = make_parser().parse_args()
    from mmseg_sesam.cli.configs import read_config
    from mmseg_sesam.datasets.validation import validate_datasets

    try:
        cfg = read_config(args.config, args.cfg_options)
        report = validate_datasets(cfg, args.jobs)
    except (ValueError, OSError) as error:
        sys.exit(f'validate_dataset: {error}')
    # File names may have characters outside of the terminal's encoding.
    sys.stdout.reconfigure(errors='backslashreplace')
    print(report, flush=True)
    # Last, so that a full disk does not hide the report.
    if args.json:
        try:
            args.json.write_text(json.dumps(report.as_json(), indent=1))
        except OSError as error:
            sys.exit(
                f'validate_dataset: {args.json} cannot be written ({error}); '
                'give another file.'
            )
    sys.exit(report.number('error') > 0)


if __name__ == '__main__':
    main()
