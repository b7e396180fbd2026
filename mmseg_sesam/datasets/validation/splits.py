"""The data sets of a config: their files, classes and conventions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.dataset import BaseDataset
from mmseg.datasets import BaseSegDataset
from mmseg.registry import TRANSFORMS

from mmseg_sesam.datasets.class_counts import (
    REMEDY,
    differing_counts,
    head_counts,
)
from mmseg_sesam.datasets.file_ids import file_ids
from mmseg_sesam.datasets.label_kinds import allows_unlabelled, kind_of_steps
from mmseg_sesam.datasets.loading import LoadPseudoLabel, LoadWeakAnnotations
from mmseg_sesam.datasets.pipeline_configs import (
    common_data_root,
    view_steps,
)
from mmseg_sesam.datasets.simulate import SimulateWeakLabel
from mmseg_sesam.datasets.validation.configs import (
    build_dataset,
    named_datasets,
)
from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding
from mmseg_sesam.structures import DENSE, NO_LABEL
from mmseg_sesam.type_names import lineage, option_of, type_name

LOADERS = ('train', 'val', 'test')
# The color_type of LoadImageFromFile that apply an EXIF orientation.
_TURNING = ('color', 'grayscale')


class Folder(NamedTuple):
    """The folders and suffixes by which mmseg finds files.

    Attributes:
        images: folder of the images.
        labels: folder of the labels, or that of the images.
        img_suffix: end of the names of images.
        seg_map_suffix: end of the names of labels.
        is_listed: a list names the images.
    """

    images: str
    labels: str
    img_suffix: str
    seg_map_suffix: str
    is_listed: bool

    def is_label(self, path: str) -> bool:
        """Whether a file in the folder of the images is a label."""
        if os.path.abspath(self.labels) == os.path.abspath(self.images):
            return path.endswith(self.seg_map_suffix)
        folder = os.path.join(os.path.abspath(self.labels), '')
        return os.path.abspath(path).startswith(folder)

    def label_of(self, path: str) -> str:
        """Returns the label path of an image, whatever its file type is."""
        stem = os.path.splitext(os.path.relpath(path, self.images))[0]
        if not self.img_suffix.startswith('.'):
            stem = stem.removesuffix(os.path.splitext(self.img_suffix)[0])
        return os.path.join(self.labels, stem + self.seg_map_suffix)


@dataclass(frozen=True)
class Split:
    """A data set of a config, without wrappers.

    Attributes:
        name: data loaders that use it, with a number where a wrapper holds
            several.
        folders: absolute folders that the config names, () if its class
            alone knows where files are.
        images: paths of the images.
        labels: paths of their labels, empty if the pipeline loads none.
        is_readable: training decodes the images with OpenCV or Pillow.
        turns: training turns images by their EXIF orientation.
        view: steps up to `LoadRGBView`, which read an image; [] without it.
        table: (256,) uint8, the class id of each value in a file.
        unnamed: (256,) bool, the values that the data set does not name.
        num_classes: class ids are below it; None if unknown.
        classes: their names, () if there are none.
        palette: their RGB colours.
        kind: kind of the labels, None if the config does not say it.
        allows_unlabelled: images without a label file learn from a teacher.
        sparse: labels are weak labels from files, not simulated ones.
        key_root: folder to which pseudo-labels are named relative, None
            where none are loaded.
        folder: where mmseg finds the files; None if the data set finds them
            differently, or leaves some out on purpose.
    """

    name: str
    folders: tuple[str, ...]
    images: list[str]
    labels: list[str]
    is_readable: bool
    turns: bool
    view: list[dict]
    table: np.ndarray
    unnamed: np.ndarray
    num_classes: int | None
    classes: tuple[str, ...]
    palette: tuple[tuple[int, ...], ...]
    kind: str | None
    allows_unlabelled: bool
    sparse: bool
    key_root: str | None
    folder: Folder | None

    def error(
        self, problem: str, remedy: str, files: Iterable[str] = ()
    ) -> Finding:
        """Returns an error of this data set."""
        return Finding(ERROR, self.name, problem, remedy, tuple(files))

    def warning(
        self, problem: str, remedy: str, files: Iterable[str] = ()
    ) -> Finding:
        """Returns a warning of this data set."""
        return Finding(WARNING, self.name, problem, remedy, tuple(files))

    @property
    def colours(self) -> tuple[tuple[int, ...] | None, ...]:
        """The colour of each of the 256 values, None if it is no class."""
        known = dict(enumerate(self.palette))
        return tuple(known.get(class_id) for class_id in self.table.tolist())


def read_splits(
    cfg: dict, loaders: Sequence[str] = LOADERS
) -> tuple[list[Split], list[Finding]]:
    """Returns the data sets that could be listed, and problems of the others.

    Raises:
        ValueError: the config has no data set for any of the loaders.
    """
    splits, findings = [], []
    heads = head_counts(cfg.get('model') or {})
    for name, config in named_datasets(cfg, loaders).items():
        built = build_dataset(name, config)
        if isinstance(built, Finding):
            findings.append(built)
            continue
        split = _read_split(name, config, built, heads)
        splits.append(split)
        steps = config.get('pipeline', [])
        counts = differing_counts(heads, split.classes, steps)
        if counts:
            what = f'the numbers of classes differ ({counts})'
            findings.append(split.error(what, REMEDY))
        findings += _check_labels_named(split, steps)
        findings += _check_zero_label(split, config, built)
    return splits, findings


def _read_split(
    name: str, config: dict, dataset: BaseDataset, heads: dict[str, int]
) -> Split:
    pipeline = config.get('pipeline', [])
    image = _find(pipeline, LoadImageFromFile)
    label = _find(pipeline, LoadAnnotations) or {}
    pseudo = _find(pipeline, LoadPseudoLabel)
    drawn = pseudo or _find(pipeline, LoadWeakAnnotations)
    infos = [info for info in dataset.data_list if 'img_path' in info]
    kind = kind_of_steps(pipeline)
    has_labels = label and all('seg_map_path' in info for info in infos)
    has_labels = has_labels and kind != NO_LABEL
    classes = tuple(dataset.metainfo.get('classes') or ())
    numbers = [label.get('num_classes'), len(classes), *heads.values()]
    root = getattr(dataset, 'data_root', None)
    prefixes = getattr(dataset, 'data_prefix', None) or {}
    folders = filter(None, [*prefixes.values(), root])
    return Split(
        name=name,
        folders=tuple(sorted(set(map(os.path.abspath, folders)))),
        images=[info['img_path'] for info in infos],
        labels=[i['seg_map_path'] for i in infos] if has_labels else [],
        is_readable=_option(image, 'imdecode_backend') in ('cv2', 'pillow'),
        turns=_option(image, 'color_type') in _TURNING,
        view=view_steps(config),
        num_classes=next((n for n in numbers if n), None),
        classes=classes,
        palette=tuple(map(tuple, dataset.metainfo.get('palette') or ())),
        kind=kind,
        allows_unlabelled=allows_unlabelled(pipeline),
        sparse=bool(drawn)
        and kind != DENSE
        and not _find(pipeline, SimulateWeakLabel),
        key_root=common_data_root(dataset) if pseudo else None,
        folder=_find_folder(dataset, prefixes),
        **file_ids(dataset, label.get('reduce_zero_label')),
    )


def _find(pipeline: Sequence[dict], kind: type) -> dict | None:
    """Returns the first step of a class, or of one derived from it."""
    steps = (step for step in pipeline if kind in lineage(step, TRANSFORMS))
    return next(steps, None)


def _option(step: dict | None, name: str) -> Any:
    return step and option_of(step, TRANSFORMS, name)


def _find_folder(
    dataset: BaseDataset, prefixes: dict[str, str]
) -> Folder | None:
    images, labels = prefixes.get('img_path'), prefixes.get('seg_map_path')
    chosen = dataset._indices is not None or bool(dataset.filter_cfg)
    lists = getattr(type(dataset), 'load_data_list', None)
    if images is None or chosen or lists is not BaseSegDataset.load_data_list:
        return None
    listed = dataset.ann_file
    return Folder(
        images,
        images if labels is None else labels,
        dataset.img_suffix,
        dataset.seg_map_suffix,
        bool(listed) and not os.path.isdir(listed),
    )


def _check_labels_named(split: Split, pipeline: list[dict]) -> list[Finding]:
    """Checks that there are labels to load if the pipeline loads some."""
    label = _find(pipeline, LoadAnnotations)
    if label is None or not split.images or split.labels:
        return []
    if split.kind == NO_LABEL:
        return []
    name = type_name(label)
    is_weak = LoadWeakAnnotations in lineage(label, TRANSFORMS)
    other = f"set kind='none' of {name}" if is_weak else f'take {name} out'
    return [
        split.error(
            f'the pipeline has {name}, and the data set names no labels, or '
            'not those of all images',
            f'set seg_map_path in its data_prefix, or {other}',
        )
    ]


def _check_zero_label(
    split: Split, config: dict, dataset: BaseDataset
) -> list[Finding]:
    """Checks that loader and data set read label 0 alike."""
    label = _find(config.get('pipeline', []), LoadAnnotations) or {}
    found = label.get('reduce_zero_label')
    expected = getattr(dataset, 'reduce_zero_label', False)
    if found is None or found == expected:
        return []
    return [
        split.error(
            f'{type_name(label)} has reduce_zero_label={found} and its data '
            f'set {expected}',
            f'remove it from {type_name(label)}, and correct that of the '
            'data set if its files need another',
        )
    ]
