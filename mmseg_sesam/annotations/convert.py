"""Converts the annotations of a data set into a folder of index PNGs."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Callable, Union

import numpy as np

from mmseg_sesam.annotations.base import NO_SHAPE, AnnotationReader, Item
from mmseg_sesam.annotations.conventions import foreign
from mmseg_sesam.annotations.journal import (
    Record,
    Written,
    add_record,
    edited_keys,
    edited_label,
    label_digest,
    load_written,
    replace_changed,
    write_journal,
)
from mmseg_sesam.annotations.options import arguments_of
from mmseg_sesam.annotations.summary import summarise
from mmseg_sesam.io import atomic
from mmseg_sesam.io.images import image_size, is_turned
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.io.palettes import voc_colours
from mmseg_sesam.io.terminal import Progress, end_quietly
from mmseg_sesam.structures import UNLABELLED

SUMMARY = 'summary.json'
# Number of sentences that are shown of those that differ in the file only.
_ALIKE = 3

# Ends of the message about a label of another size than its image.
_ANNOTATE = (
    '; annotate that image, or give the folder of the images that were '
    'annotated.'
)
_TURNED = (
    ' after the turn in its EXIF data; if the label fits the photo without '
    'it, remove that entry, as with `exiftool -Orientation= PHOTO`.'
)

# The record of a label, or the sentence that says why there is none.
Result = Union[Record, str]


class ConversionError(ValueError):
    """Some annotations cannot be converted; the others are converted.

    Attributes:
        sentences: the error of each of these annotations.
    """

    def __init__(self, failed: list[tuple[Item, str]]) -> None:
        self.sentences = [sentence for _, sentence in failed]
        super().__init__('\n'.join(self.sentences))
        self._failed = failed

    def lines(self) -> list[str]:
        """Returns the errors, but a few of those that differ in the file."""
        alike: dict[str, list[str]] = defaultdict(list)
        for item, sentence in self._failed:
            # Equal for sentences that differ in the annotation's names alone.
            key = sentence
            for name in (str(item.source), item.key, Path(item.key).name):
                key = re.sub(rf'(?<!\w){re.escape(name)}(?!\w)', '', key)
            alike[key].append(sentence)
        lines = []
        for sentences in alike.values():
            lines += sentences[:_ALIKE]
            if (more := len(sentences) - _ALIKE) > 0:
                lines.append(f'The same holds for {more} other annotations.')
        return lines


def convert(
    reader: AnnotationReader,
    out: Path,
    jobs: int = 1,
    *,
    renew: Callable[[], None] | None = None,
    corrections: bool = False,
    without: Collection[str] = (),
) -> Record:
    """Writes the labels of all annotations, and `summary.json`.

    Labels of an earlier run with the same settings stay if their files, and
    the file of the reader's class, did not change: the call continues an
    interrupted run, and a second call changes nothing.

    Args:
        reader: reader of the annotations.
        out: folder to be written, new or of an earlier run.
        jobs: number of processes.
        renew: labels of an earlier run with other settings, or of
            annotations that are gone, make way, unless somebody changed
            them; called before those of other settings are removed, to
            remove what was made from them. Without it they are an error.
        corrections: take annotations without one labelled pixel if none
            has a shape: corrections may remove labels only.
        without: keys of annotations that are left out.

    Returns:
        The summary, as `summary.json` holds it.

    Raises:
        ConversionError: annotations are damaged, or somebody changed
            labels that would be replaced. All others are converted; call
            again after those are corrected.
        ValueError: the source has another format, its labels and the
            settings contradict each other, or `out` belongs to other
            settings or to something else.
        OSError: a file cannot be read or written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from mmseg_sesam.annotations.readers import index_png
        >>> with TemporaryDirectory() as folder:
        ...     src, out = Path(folder, 'src'), Path(folder, 'out')
        ...     src.mkdir()
        ...     write_label(src / 'a.png', np.zeros((2, 2), np.uint8))
        ...     convert(index_png.IndexPngReader(src), out)['labelled']
        1.0
    """
    for src in reader.sources:
        one, two = out.resolve(), src.resolve()
        if one == two or one in two.parents or two in one.parents:
            raise ValueError(
                f'{one} and {two} lie within each other, and no annotation '
                'shall be overwritten; give a folder elsewhere.'
            )
    items, missing = reader.items()
    items = [item for item in items if item.key not in without]
    reader.check(items)
    settings = _settings(reader)
    written = load_written(out, settings, {item.key for item in items}, renew)
    records = written.records
    failed = _convert_new(reader, items, written, settings, out, jobs)
    if failed:
        begun = written.begun & {item.key for item, _ in failed}
        write_journal(out, settings, records.values(), begun)
        # A file of many images gets one sentence, not one for each image.
        if items[0].data and (said := reader.foreign()):
            raise ValueError(said)
        raise ConversionError(failed)
    # The order of the items does not depend on interruptions.
    ordered = [records[item.key] for item in items]
    _check_values(reader, ordered)
    if not corrections or any(map(_has_shapes, ordered)):
        _check_labelled(reader, items, ordered)
    # Without annotations nothing was converted into it.
    out.mkdir(parents=True, exist_ok=True)
    write_journal(out, settings, ordered)
    summary = summarise(reader, settings, ordered, missing)
    replace_changed(
        out / SUMMARY, f'{json.dumps(summary, indent=1)}\n'.encode()
    )
    return summary


def _convert_new(
    reader: AnnotationReader,
    items: list[Item],
    written: Written,
    settings: Record,
    out: Path,
    jobs: int,
) -> list[tuple[Item, str]]:
    """Adds records of the items that have none, or whose files changed.

    Returns:
        Items that cannot be converted, with their errors.
    """
    records, code = written.records, _code_digest(reader)
    inputs = {item.key: [*_inputs(item), code] for item in items}
    todo = [
        item
        for item in items
        if item.key in written.begun
        or records.get(item.key, {}).get('inputs') != inputs[item.key]
        or not (out / f'{item.key}.png').is_file()
    ]
    keys = {item.key for item in todo}
    # A label without a record may be somebody's own.
    edited = {*edited_keys(out, written, keys)}
    if todo:
        out.mkdir(parents=True, exist_ok=True)
        # A summary means that all labels are there.
        (out / SUMMARY).unlink(missing_ok=True)
        atomic.remove_parts(out.rglob(atomic.PARTS), atomic.STALE_SECONDS)
        write_journal(out, settings, records.values(), keys - edited)
    failed = []
    results = _convert_all(reader, todo, out, jobs, edited)
    try:
        for item, result in Progress(
            results,
            desc=reader.name,
            total=len(items),
            initial=len(items) - len(todo),
        ):
            if isinstance(result, str):
                failed.append((item, result))
                continue
            records[item.key] = dict(result, inputs=inputs[item.key])
            add_record(out, records[item.key])
    except BaseException:
        results.close()
        # Somebody may edit a label that was not reached before the next run.
        begun = edited_keys(out, Written(records, set()), keys - edited)
        write_journal(out, settings, records.values(), begun)
        raise
    return failed


def _settings(reader: AnnotationReader) -> Record:
    """Returns the fields of a reader as JSON values."""
    settings = dict(format=reader.name, **asdict(reader), **reader.contents())
    text = json.dumps(settings, default=lambda path: str(path.resolve()))
    return json.loads(text)


def _inputs(item: Item) -> list[list[int]]:
    """Returns size and time of the files that a label is made from."""
    paths = filter(None, (item.source, *item.others, item.image))
    stats = [path.stat() for path in paths]
    return [[stat.st_size, stat.st_mtime_ns] for stat in stats]


def _code_digest(reader: AnnotationReader) -> str:
    """Returns a digest of the file that defines a reader, '' without one."""
    try:
        code = Path(inspect.getfile(type(reader))).read_bytes()
    except (TypeError, OSError):
        # A class may be typed into a console.
        return ''
    return hashlib.sha256(code).hexdigest()[:16]


def _convert_all(
    reader: AnnotationReader,
    items: list[Item],
    out: Path,
    jobs: int,
    edited: set[str],
) -> Iterator[tuple[Item, Result]]:
    palette = voc_colours()
    palette[: len(reader.palette)] = reader.palette
    work = partial(
        _convert_one,
        reader=reader,
        out=out,
        palette=palette,
        edited=edited,
    )
    if min(jobs, len(items)) <= 1 and not reader.fragile:
        yield from zip(items, map(work, items))
        return
    while items:
        done = 0
        try:
            count = max(min(jobs, len(items)), 1)
            with ProcessPoolExecutor(count, initializer=end_quietly) as pool:
                for result in pool.map(work, items, chunksize=8):
                    yield items[done], result
                    done += 1
            return
        except BrokenProcessPool:
            # An item after the done ones ended its process: the next one is
            # tried alone, the others again together.
            yield items[done], _alone(work, items[done])
            items = items[done + 1 :]


def _alone(work: Callable[[Item], Result], item: Item) -> Result:
    """Converts an item in a process of its own."""
    try:
        with ProcessPoolExecutor(1, initializer=end_quietly) as pool:
            return pool.submit(work, item).result()
    except BrokenProcessPool:
        return (
            f'{item.source} ends the process that reads it ({item.key}): it '
            'is damaged, or too large for the memory; write it again.'
        )


def _convert_one(
    item: Item,
    reader: AnnotationReader,
    out: Path,
    palette: list[list[int]],
    edited: set[str],
) -> Result:
    try:
        annotation = reader.read(item)
        height, width = annotation.label.shape
        size = image_size(item.image) if item.image else (width, height)
        if size != (width, height):
            turned = size == (height, width) and is_turned(item.image)
            raise ValueError(
                f'{item.source} is a label of {width} x {height}, expected '
                f'the size of {item.image}, {size[0]} x {size[1]}'
                f'{_TURNED if turned else _ANNOTATE}'
            )
    except (ValueError, OSError) as error:
        said = not item.data and foreign(item.source, reader.name)
        return ' '.join((said or str(error)).split())
    path = out / f'{item.key}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    content = BytesIO()
    write_label(content, annotation.label, palette)
    if item.key in edited and path.read_bytes() != content.getvalue():
        return edited_label(path)
    replace_changed(path, content.getvalue())
    counts = np.bincount(annotation.label.ravel(), minlength=256)
    return dict(
        key=item.key,
        digest=label_digest(content.getvalue()),
        pixels={str(i): int(counts[i]) for i in np.flatnonzero(counts)},
        notes=annotation.notes,
        values=annotation.values,
    )


def _check_values(reader: AnnotationReader, records: list[Record]) -> None:
    """Raises if settings do not fit the values of the files."""
    values = {v for record in records for v in record['values']}
    if values and (said := reader.misfit(values)):
        raise ValueError(said)


def _has_shapes(record: Record) -> bool:
    return NO_SHAPE not in {reason for reason, _ in record['notes']}


def _check_labelled(
    reader: AnnotationReader, items: list[Item], records: list[Record]
) -> None:
    """Raises if no pixel is labelled."""
    if any({*record['pixels']} != {str(UNLABELLED)} for record in records):
        return
    notes = Counter(reason for r in records for reason, _ in r['notes'])
    why = ''.join(f' ({n} x {reason})' for reason, n in notes.most_common(1))
    options = ['--map', '--values', '--unlabelled', '--outside', '--images']
    if any('--boxes' in reason for reason in notes):
        options.insert(0, '--boxes')
    own = dict(arguments_of(reader))
    options = ', '.join(option for option in options if option in own)
    source = items[0].source if len(items) == 1 else reader.sources[0]
    raise ValueError(
        reader.foreign()
        or f'{source} has {len(records)} annotations and not one '
        f'labelled pixel{why}, expected some; correct the files, or change '
        f'one of {options}, and give a new folder.'
    )
