"""Shows a prepared training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from mmseg_sesam.annotations.base import NO_ANNOTATION
from mmseg_sesam.annotations.files import shortened
from mmseg_sesam.annotations.summary import remarks
from mmseg_sesam.start.class_names import misspelt_names
from mmseg_sesam.start.label_kind import KIND_REASON
from mmseg_sesam.start.material import change_to
from mmseg_sesam.start.sets import DataSets
from mmseg_sesam.start.start import Start


def plan_text(start: Start) -> str:
    """Returns what was found, the numbers with reasons, and the commands."""
    lines = [*_found(start.sets), '', f'Plan ({start.config}):']
    for field in fields(start.plan):
        value, reason = getattr(start.plan, field.name)
        lines.append(f'  {field.name} = {value}: {reason}')
    lines += ['', 'By hand:', *(f'  {line}' for line in start.commands)]
    return '\n'.join(lines)


def _found(sets: DataSets) -> Iterator[str]:
    """Yields what is known of images and labels."""
    train, summary = sets.train, sets.train.summary
    images = {c['name']: c['files'] for c in summary['classes']}
    yield (
        f'Format: {summary["settings"]["format"]}; labels look like '
        f'{KIND_REASON[train.kind]} ({summary["labelled"]:.1%} of pixels)'
    )
    counted = ', '.join(f'{name} {number}' for name, number in images.items())
    yield f'Classes, with their numbers of images: {counted}'
    for said in misspelt_names(images):
        yield f'Warning: {said}'
    yield (
        f'Training images: {len(train.labelled)} with a label, '
        f'{len(train.unlabelled)} without'
    )
    if paths := train.left_out:
        yield (
            f'Left out, as they have no label and do not end in '
            f'{train.suffix}: {shortened(path.name for path in paths)} '
            f'({len(paths)}); {change_to(train.suffix, paths)}'
        )
    for part in sets.corrected:
        yield (
            f'Corrected images of {part.summary["settings"]["src"]}: '
            f'{len(part.labelled)}, which look like {KIND_REASON[part.kind]}'
        )
    if sets.emptied:
        yield f'Unlabelled by --corrected: {shortened(sets.emptied)}'
    if sets.unchanged:
        yield (
            'Left out of --corrected, as nobody changed a shape: '
            f'{shortened(sets.unchanged)}'
        )
    yield f'Validation: {sets.measured}.'
    if sets.val and sets.val.warning:
        yield f'Warning: {sets.val.warning}'
    if sets.kept:
        yield (
            'Trained on and not held back, as no other training image shows '
            f'the class: {shortened(sets.kept)}'
        )
    yield from _notes(sets)


def _notes(sets: DataSets) -> Iterator[str]:
    """Yields what the conversions left out or changed."""
    train = sets.train
    parts = [train, *sets.corrected, *sets.unused]
    parts += [sets.val] if sets.val else []
    # Held-back labels were converted with those of the training.
    for part in {part.labels: part for part in parts}.values():
        settings = part.summary['settings']
        skipped = [
            entry
            for entry in part.summary['skipped']
            # The plan counts images without a label.
            if entry['reason'] != NO_ANNOTATION
        ]
        # Other parts need not show all classes.
        said = train.summary['remarks'] if part.labels == train.labels else []
        if said or skipped:
            yield (
                f'Notes on {settings["src"]} (options: '
                f'tools/convert_annotations.py {settings["format"]} --help):'
            )
        for line in remarks(dict(remarks=said, skipped=skipped)):
            yield f'  {line}'
