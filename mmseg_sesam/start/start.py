"""Prepares a training: labels, lists of images, config."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Callable

from mmseg_sesam.annotations.options import spell_alike
from mmseg_sesam.io.atomic import replace_file
from mmseg_sesam.start.detect import check_annotations
from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.material import gather
from mmseg_sesam.start.plan import Plan, make_plan, schedule, steps_in
from mmseg_sesam.start.readers import Reading
from mmseg_sesam.start.segmenters import pick_segmenter
from mmseg_sesam.start.sets import (
    DataSets,
    add_corrections,
    hold_back,
    take_val,
)
from mmseg_sesam.start.step_time import seconds_per_step
from mmseg_sesam.start.write_config import config_text

# Digests of the config and the lists that this tool wrote into a folder.
_RECORD = 'written.json'


@dataclass(frozen=True)
class Request:
    """What a user asks for; see the options of `tools/start.py`."""

    images: Path
    annotations: Path
    out: Path
    corrected: Sequence[Path] = ()
    format: str = 'auto'
    classes: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    val: Path | None = None
    val_share: float | None = None
    minutes: float | None = None
    jobs: int = 1


@dataclass(frozen=True)
class Start:
    """A prepared training.

    Attributes:
        config: path of the config.
        plan: its numbers.
        sets: images and labels.
        commands: commands that do by hand what was done, and what follows.
    """

    config: Path
    plan: Plan
    sets: DataSets
    commands: list[str]


def prepare(
    request: Request, bases: Path, machine: Machine | None = None
) -> Start:
    """Converts labels, splits images, and writes lists and a config.

    `request.out` holds no training, whose labels and lists this would replace:
    tools/start.py checks that.

    Args:
        request: what a user asks for.
        bases: folder of the fragments of configs, `configs/_base_`.
        machine: the machine that trains; by default this one.

    Raises:
        ConversionError: annotations are damaged.
        FileExistsError: a config or a list of images that a user wrote or
            changed is in the way; no label is written then.
        ValueError: the options do not fit the data, or labels would be
            replaced that a user changed.
        OSError: a file cannot be read or written.
    """
    out = request.out
    config = out / f'{out.resolve().name}.py'
    numbers = range(1, len(request.corrected) + 1)
    corrected = [f'corrected_{number}.txt' for number in numbers]
    names = [config.name, 'train.txt', 'labelled.txt', 'val.txt', *corrected]
    _check_unchanged(out, names)
    sets = _gather_sets(request, partial(_make_way, out, names))
    machine = machine or Machine.this()
    segmenter = pick_segmenter(bases / 'segmenters', machine.gpu_gib)
    plan = make_plan(sets, machine, segmenter)
    if request.minutes is not None:
        seconds = seconds_per_step(plan, bases, len(sets.train.classes))
        steps = steps_in(request.minutes, seconds)
        plan = replace(plan, **schedule(*steps))
    files = {config.name: config_text(plan, sets, out, bases), **_lists(sets)}
    record = _written(out)
    for name, content in files.items():
        record[name] = [*_digests(out / name), _digest(content)]
    # Before the files, with those that are there: a call that is interrupted
    # leaves some of both.
    replace_file(out / _RECORD, json.dumps(record, indent=1))
    for name, content in files.items():
        replace_file(out / name, content)
    return Start(config, plan, sets, _commands(sets, config, out))


def _gather_sets(request: Request, renew: Callable[[], None]) -> DataSets:
    """Converts all annotations, and divides the images."""
    out, images = request.out, request.images
    # They are compared with names that readers return.
    names = spell_alike((request.classes, request.unlabelled))
    reading = Reading(request.format, *names, request.jobs, renew)
    others = [*request.corrected, *([request.val] if request.val else [])]
    # All of them, before the first is converted.
    for path in (request.annotations, *others):
        check_annotations(path)
    material = gather(
        images,
        request.annotations,
        out=out / 'labels',
        reading=reading,
        without=[out, *others],
    )
    if request.val is None:
        sets = hold_back(material, request.val_share)
    else:
        target = out / 'val_labels'
        sets = take_val(material, images, request.val, target, reading)
    return add_corrections(sets, images, request.corrected, out, reading)


def _commands(sets: DataSets, config: Path, out: Path) -> list[str]:
    """Returns the commands that make the labels, check them, and train.

    They do not convert corrections of which no label is left.
    """
    parts = [sets.train, *sets.corrected, *([sets.val] if sets.val else [])]
    # Held-back labels were converted with those of the training.
    parts = [*{part.labels: part for part in parts}.values()]
    commands = [part.command for part in parts]
    if taken := [str(path) for part in parts for path in part.taken_away]:
        commands.append(shlex.join(['rm', '-f', '--', *taken]))
    following = dict(validate_dataset=config, train=config, report=out / 'run')
    for tool, path in following.items():
        commands.append(shlex.join(['python', f'tools/{tool}.py', str(path)]))
    return commands


def _make_way(out: Path, names: Sequence[str]) -> None:
    """Removes config and lists before labels get other settings.

    A call that then fails leaves no config whose classes have other ids
    than the labels.
    """
    for name in names:
        (out / name).unlink(missing_ok=True)


def _lists(sets: DataSets) -> dict[str, str]:
    """Returns the lists of images by name of the file."""
    train = sets.train
    # The second one is for baselines (docs/add_to_your_config.md).
    names = {'train.txt': train.names, 'labelled.txt': train.labelled}
    for part in sets.corrected:
        names[f'{part.labels.name}.txt'] = part.labelled
    if sets.val:
        names['val.txt'] = sets.val.labelled
    return {
        file: ''.join(f'{name}\n' for name in listed)
        for file, listed in names.items()
    }


def _check_unchanged(out: Path, names: Sequence[str]) -> None:
    """Raises if a file to be written holds the work of a user.

    A file as an earlier call wrote it makes way: labels may have been added.
    """
    written = _written(out)
    for name in names:
        path = out / name
        if not {*_digests(path)} <= {*written.get(name, [])}:
            raise FileExistsError(
                f'{path} exists and is not as this tool wrote it, and shall '
                'not be overwritten; move it away, or give another --out.'
            )


def _written(out: Path) -> dict[str, list[str]]:
    """Returns digests of the files that earlier calls wrote, by name."""
    path = out / _RECORD
    if not path.is_file():
        return {}
    return json.loads(path.read_text(encoding='utf-8'))


def _digests(path: Path) -> list[str]:
    """Returns the digest of a file, or nothing if it does not exist."""
    if not path.exists():
        return []
    return [_digest(path.read_text(encoding='utf-8'))]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
