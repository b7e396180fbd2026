"""Converts annotations of any known format into index PNGs.

    python tools/convert_annotations.py labelme SRC OUT --classes cat dog
    python tools/convert_annotations.py scribblesup SRC OUT \
        --images JPEGImages

OUT gets an index PNG for each annotation, under the same relative path, with
class ids, and 255 where nothing is drawn; and summary.json. The same command
continues an interrupted run. `--reader FILE` adds a format of your own.
"""

from __future__ import annotations

import importlib
import re
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg_sesam.annotations import READERS, ConversionError, convert
from mmseg_sesam.annotations.options import arguments_of
from mmseg_sesam.annotations.summary import class_table, remarks
from mmseg_sesam.cli.arguments import add_jobs
from mmseg_sesam.cli.interrupts import interruptible

# Number of sentences that fit a screen.
SHOWN = 20


class Parser(ArgumentParser):
    """Accepts values such as -1=0, and byte order marks in files."""

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        args = sys.argv[1:] if args is None else args
        return super().parse_known_args([*map(spaced, args)], namespace)

    def convert_arg_line_to_args(self, arg_line: str) -> list[str]:
        return [spaced(arg_line.removeprefix('\ufeff'))]


def spaced(text: str) -> str:
    """Returns a value such as -1=0 with a space before it.

    Without the space ArgumentParser takes it for an option.
    """
    return re.sub(r'^(?=-\d+=)', ' ', text)


def make_parser() -> ArgumentParser:
    parser = Parser(
        description=__doc__.splitlines()[0],
        epilog=_formats_and_options(),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--reader',
        type=Path,
        metavar='FILE',
        help='Python file with the reader of a further format',
    )
    formats = parser.add_subparsers(
        dest='format', metavar='FORMAT', required=True
    )
    for name, reader in sorted(READERS.items()):
        summary = (sys.modules[reader.__module__].__doc__ or '').strip()
        sub = formats.add_parser(
            name,
            help=summary,
            description=summary,
            epilog='example:\n  python tools/convert_annotations.py '
            f'{name} {reader.example}',
            formatter_class=RawDescriptionHelpFormatter,
            fromfile_prefix_chars='@',
        )
        sub.add_argument(
            'src',
            type=Path,
            nargs='+' if reader.several else None,
            help='file or folder to be read'
            + (', or several files' if reader.several else ''),
        )
        sub.add_argument('out', type=Path, help='folder to be written')
        for option, arguments in arguments_of(reader):
            sub.add_argument(option, **arguments)
        add_jobs(sub)
    return parser


def _formats_and_options() -> str:
    lines = ['options, which `FORMAT --help` explains:']
    for name, reader in sorted(READERS.items()):
        options = [option for option, _ in arguments_of(reader)]
        lines.append(f'  {name:18}{" ".join([*options, "--jobs"])}')
    return '\n'.join(lines)


def register_reader() -> None:
    """Imports the file of --reader, which registers its format.

    Processes of the conversion import the module by its name, so the folder
    of the file stays on the path.
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument('--reader', type=Path)
    path = parser.parse_known_args()[0].reader
    if path is None:
        return
    if not path.is_file() or path.suffix != '.py':
        sys.exit(
            f'convert_annotations: --reader {path} is no Python file; give '
            'the file of your reader.'
        )
    sys.path.insert(0, str(path.resolve().parent))
    importlib.import_module(path.stem)
    # An installed module of the file's name is imported in its place.
    if all(reader.__module__ != path.stem for reader in READERS.values()):
        sys.exit(
            f'convert_annotations: --reader {path} registers no format; give '
            'a file with a subclass of AnnotationReader that has a name, and '
            'that is not called like an installed module.'
        )


def main() -> None:
    register_reader()
    settings = vars(make_parser().parse_args())
    settings.pop('reader')
    reader = READERS[settings.pop('format')]
    out, jobs = settings.pop('out'), settings.pop('jobs')
    try:
        with interruptible('convert_annotations'):
            summary = convert(reader(**settings), out, jobs)
    except ConversionError as error:
        for line in error.lines()[:SHOWN]:
            print(f'convert_annotations: {line}', file=sys.stderr)
        sys.exit(
            f'convert_annotations: {len(error.sentences)} annotations are '
            'not converted; correct them, and run again for the rest.'
        )
    except (ValueError, OSError) as error:
        sys.exit(f'convert_annotations: {error}')
    print(class_table(summary))
    for remark in remarks(summary):
        print(f'convert_annotations: {remark}')
    print(
        f'{summary["files"]} weak labels, {summary["labelled"]:.2%} of pixels'
    )


if __name__ == '__main__':
    main()
