"""Prepares a training: labels, lists of images, config."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mmseg_sesam.annotations.base import list_keyed_files
from mmseg_sesam.io import atomic
from mmseg_sesam.io.listing import IMAGE_SUFFIXES
from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.material import Material, gather
from mmseg_sesam.start.plan import Plan, make_plan, schedule, steps_in
from mmseg_sesam.start.segmenters import pick_segmenter
from mmseg_sesam.start.split import split_blocks
from mmseg_sesam.start.step_time import seconds_per_step
from mmseg_sesam.start.write_config import config_text

# A validation label of less labelled pixels measures a part (our choice).
_DENSE = 0.95
NOT_MEASURED = (
    'There is no validation: nobody measures how right the network is. Give '
    'dense labels of some other images with --val, or hold weak labels back '
    'with --val-share'
)


@dataclass(frozen=True)
class Request:
    """What a user asks for; see the options of `tools/start.py`."""

    images: Path
    annotations: Path
    out: Path
    format: str = 'auto'
    classes: tuple[str, ...] = ()
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
        material: images and labels; `labelled` are those of the training.
        val: images and labels of the validation, if there is one.
        measured: what the validation measures, or that nothing does.
        commands: commands that do by hand what was done, and what follows.
    """

    config: Path
    plan: Plan
    material: Material
    val: Material | None
    measured: str
    commands: list[str]


def prepare(
    request: Request, bases: Path, machine: Machine | None = None
) -> Start:
    """Converts labels, splits images, and writes lists and a config.

    Args:
        request: what a user asks for.
        bases: folder of the fragments of configs, `configs/_base_`.
        machine: the machine that trains; by default this one.

    Raises:
        ConversionError: annotations are damaged.
        FileExistsError: another config is in the way.
        ValueError: the options do not fit the data.
        OSError: a file cannot be read or written.
    """
    out = request.out
    material = gather(
        request.images,
        request.annotations,
        out / 'labels',
        request.format,
        request.classes,
        jobs=request.jobs,
    )
    material, val, measured = _split(request, material)
    machine = machine or Machine.this()
    segmenter = pick_segmenter(bases / 'segmenters', machine.gpu_gib > 0)
    names = sorted([*material.labelled, *material.unlabelled])
    plan = make_plan(material, len(names), machine, segmenter)
    if request.minutes is not None:
        seconds = seconds_per_step(plan, bases, len(material.classes))
        steps = steps_in(request.minutes, seconds)
        plan = replace(plan, **schedule(*steps))
    config = out / f'{out.resolve().name}.py'
    text = config_text(plan, material, out, bases, val, f'measures {measured}')
    _write_config(config, text)
    _write_list(out / 'train.txt', names)
    if val:
        _write_list(out / 'val.txt', val.labelled)
    commands = [material.command]
    if val and val.labels != material.labels:
        commands.append(val.command)
    commands += [
        f'python tools/validate_dataset.py {config}',
        f'python tools/train.py {config}',
        f'python tools/report.py {out / "run"}',
    ]
    return Start(config, plan, material, val, measured, commands)


def _split(
    request: Request, material: Material
) -> tuple[Material, Material | None, str]:
    """Returns material of training and validation, and what is measured."""
    if request.val is not None:
        return _with_val_folder(request, material)
    if request.val_share is None:
        return material, None, NOT_MEASURED
    _, held = split_blocks(material.labelled, request.val_share)
    # Unlabelled images between held ones show nearly the same.
    everything = sorted([*material.labelled, *material.unlabelled])
    near = _between(everything, {*held}, {*material.labelled})
    val = replace(material, labelled=held, unlabelled=[])
    material = replace(
        material,
        labelled=[n for n in material.labelled if n not in {*held}],
        unlabelled=[n for n in material.unlabelled if n not in near],
    )
    return material, val, _measured(val, 'held-back images')


def _with_val_folder(
    request: Request, material: Material
) -> tuple[Material, Material, str]:
    own = request.val.is_dir() and list_keyed_files(
        request.val, IMAGE_SUFFIXES
    )
    # Label files are images, too: these are photos if they have annotations
    # of other endings beside them, as LabelMe's are.
    beside = own and request.format != 'index-png' and _has_json(request.val)
    val = gather(
        request.val if beside else request.images,
        request.val,
        request.out / 'val_labels',
        request.format,
        material.classes,
        dense=True,
        jobs=request.jobs,
    )
    val = replace(val, unlabelled=[])
    if not beside:
        held = {*val.labelled}
        material = replace(
            material,
            labelled=[n for n in material.labelled if n not in held],
            unlabelled=[n for n in material.unlabelled if n not in held],
        )
    if not material.labelled:
        raise ValueError(
            f'--val {request.val} labels all labelled images of '
            f'{request.images}, expected other images than those of training; '
            'give a folder with labels of a part.'
        )
    return material, val, _measured(val, f'images of {request.val}')


def _has_json(folder: Path) -> bool:
    return any(True for _ in folder.rglob('*.json'))


def _between(names: list[str], held: set[str], labelled: set[str]) -> set[str]:
    """Returns unlabelled names next to held ones, up to labelled others."""
    near, run, touches = set(), [], False
    for name in [*names, None]:
        if name in held:
            near.update(run)
            run, touches = [], True
        elif name is None or name in labelled:
            if touches:
                near.update(run)
            run, touches = [], False
        else:
            run.append(name)
    return near


def _measured(val: Material, where: str) -> str:
    """Returns what a validation measures."""
    number = f'mIoU on {len(val.labelled)} {where}'
    if val.kind == 'dense':
        return number
    return (
        f'{number}, on their labelled pixels only: a proxy, which says '
        'nothing of edges and of what nobody labelled'
    )


def _write_config(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding='utf-8') != text:
        raise FileExistsError(
            f'{path} exists and is another config, which shall not be '
            'overwritten; move it away, or give another --out.'
        )
    with atomic.replacing(path) as part:
        part.write_text(text, encoding='utf-8')


def _write_list(path: Path, names: list[str]) -> None:
    with atomic.replacing(path) as part:
        part.write_text(''.join(f'{n}\n' for n in names), encoding='utf-8')
