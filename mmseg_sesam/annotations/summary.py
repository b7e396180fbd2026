"""Summarises what a conversion wrote and what it left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from prettytable import PrettyTable

from mmseg_sesam.annotations.base import (
    NO_ANNOTATION,
    NO_SHAPE,
    AnnotationReader,
    Item,
)
from mmseg_sesam.io.names import printable
from mmseg_sesam.structures import UNLABELLED


def summarise(
    reader: AnnotationReader,
    settings: dict[str, Any],
    records: list[dict[str, Any]],
    missing: list[Item],
) -> dict[str, Any]:
    """Returns the summary of a conversion, as `summary.json` holds it.

    Args:
        reader: reader of the annotations.
        settings: fields of the reader.
        records: key, pixels by class id, and notes of each label.
        missing: annotations without an image.
    """
    pixels, files = Counter(), Counter()
    skipped: dict[str, list[str]] = defaultdict(list)
    for record in records:
        pixels.update(record['pixels'])
        files.update({*record['pixels']})
        for reason, detail in record['notes']:
            skipped[reason].append(detail)
        empty = any(reason == NO_SHAPE for reason, _ in record['notes'])
        if {*record['pixels']} == {str(UNLABELLED)} and not empty:
            skipped['label without a labelled pixel'].append(record['key'])
    for item in missing:
        skipped['annotation without an image, left out'].append(item.key)
    if reader.unannotated:
        skipped[NO_ANNOTATION] = reader.unannotated
    found = {int(index) for index in pixels} - {UNLABELLED}
    names = dict(enumerate(reader.names))
    total = sum(pixels.values())
    return dict(
        settings=settings,
        files=len(records),
        pixels=total,
        # Without images nothing is labelled.
        labelled=1 - pixels[str(UNLABELLED)] / total if total else 0.0,
        classes=[
            dict(
                id=index,
                name=names.get(index, str(index)),
                files=files[str(index)],
                pixels=pixels[str(index)],
            )
            for index in sorted({*found, *names})
        ],
        skipped=[
            dict(reason=reason, count=len(details), names=details)
            for reason, details in sorted(skipped.items())
        ],
        remarks=[*filter(None, (*reader.remarks, reader.lacking(found)))],
    )


def class_table(summary: dict[str, Any]) -> PrettyTable:
    """Returns a table of the classes that have pixels."""
    table = PrettyTable(['id', 'class', 'images', 'share of pixels'])
    table.align = 'r'
    table.align['class'] = 'l'
    for entry in summary['classes']:
        if entry['pixels']:
            share = f'{entry["pixels"] / summary["pixels"]:.2%}'
            table.add_row([entry['id'], entry['name'], entry['files'], share])
    return table


def remarks(summary: dict[str, Any]) -> Iterator[str]:
    """Yields the remarks, and a line for each kind of thing left out."""
    yield from summary['remarks']
    for skipped in summary['skipped']:
        such = printable(skipped['names'][0])
        yield f'{skipped["count"]} x {skipped["reason"]}, such as {such}'
