"""What a config says of its data sets: files, classes, conventions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset

from mmseg_sesam.datasets.validation.configs import build_datasets
from mmseg_sesam.datasets.validation.findings import ERROR, Finding
from mmseg_sesam.io.labels import id_table
from mmseg_sesam.type_names import type_name

LOADERS = ('train', 'val', 'test')
# The color_type of LoadImageFromFile that heed an EXIF orientation.
_TURNING = ('color', 'grayscale')


class Folder(NamedTuple):
    """Where a data set finds its files, and by what names.

    Attributes:
        images: folder of the images.
        labels: folder of the labels, or that of the images.
        img_suffix: what names of images end in.
        seg_map_suffix: what names of labels end in.
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
        """Path of the label of an image, whatever its own file type is."""
        stem = os.path.splitext(os.path.relpath(path, self.images))[0]
        ending = os.path.splitext(self.img_suffix)[0]
        if self.img_suffix.startswith('.'):
            ending = ''
        stem = stem.removesuffix(ending)
        return os.path.join(self.labels, stem + self.seg_map_suffix)


@dataclass(frozen=True)
class Split:
    """A data set of a config, without wrappers.

    Attributes:
        name: of the data loaders that use it, with a number where a wrapper
            holds several.
        folders: those that the config names; lists must not leave them.
        images: paths of the images.
        labels: paths of their labels, empty if the pipeline loads none.
        is_readable: OpenCV or Pillow decode the images in training, not
            something else of which nothing is known here.
        turns: images are turned as their EXIF orientation says.
        table: (256,) uint8, the class id of each value in a file.
        num_classes: class ids are below it; None if nothing says.
        ignore_index: the id of unlabelled pixels.
        classes: their names, () if there are none.
        palette: their RGB colours.
        sparse: labels are meant to leave pixels unlabelled.
        key_root: folder to which pseudo-labels are named relative, None
            where none are loaded.
        folder: where images and labels are found, None if it is not by
            mmseg's rules or some are left out on purpose.
    """

    name: str
    folders: tuple[str, ...]
    images: list[str]
    labels: list[str]
    is_readable: bool
    turns: bool
    table: np.ndarray
    num_classes: int | None
    ignore_index: int
    classes: tuple[str, ...]
    palette: tuple[tuple[int, ...], ...]
    sparse: bool
    key_root: str | None
    folder: Folder | None

    @property
    def colours(self) -> tuple[tuple[int, ...] | None, ...]:
        """The colour of each of the 256 values, None if it is no class."""
        known = len(self.palette)
        return tuple(
            self.palette[class_id] if class_id < known else None
            for class_id in self.table
        )

    @property
    def is_direct(self) -> bool:
        """Values in files are class ids as they are."""
        return bool((self.table == np.arange(256)).all())


def read_splits(
    cfg: dict, loaders: Sequence[str] = LOADERS
) -> tuple[list[Split], list[Finding]]:
    """Lists the files of a config's data sets.

    Args:
        cfg: a whole config.
        loaders: those of 'train', 'val' and 'test' that are wanted.

    Returns:
        The data sets that could be listed, and what is wrong with others.

    Raises:
        ValueError: the config has no data set for any of the loaders.
    """
    built, findings = build_datasets(cfg, loaders)
    splits = []
    for name, (config, dataset) in built.items():
        splits.append(_read_split(name, config, dataset, cfg))
        findings += _check_numbers(splits[-1], config, cfg)
    return splits, findings


def _read_split(
    name: str, config: dict, dataset: BaseDataset, cfg: dict
) -> Split:
    pipeline = {type_name(step): step for step in config.get('pipeline', [])}
    image = pipeline.get('LoadImageFromFile')
    reader = image and image.get('imdecode_backend', 'cv2')
    label = next(
        (
            step
            for kind, step in pipeline.items()
            if kind.startswith('Load') and kind.endswith('Annotations')
        ),
        None,
    )
    infos = [info for info in dataset.data_list if 'img_path' in info]
    has_labels = label and all('seg_map_path' in info for info in infos)
    classes = tuple(dataset.metainfo.get('classes') or ())
    pseudo = pipeline.get('LoadPseudoLabel')
    weak = label or {}
    reduces = weak.get('reduce_zero_label')
    if reduces is None:
        reduces = getattr(dataset, 'reduce_zero_label', False)
    numbers = [weak.get('num_classes'), len(classes), *_heads(cfg).values()]
    root = getattr(dataset, 'data_root', None) or ''
    prefixes = getattr(dataset, 'data_prefix', None) or {}
    folders = {os.path.abspath(f) for f in prefixes.values() if f is not None}
    folders |= {os.path.abspath(root)} if root else set()
    return Split(
        name=name,
        folders=tuple(sorted(folders)),
        images=[info['img_path'] for info in infos],
        labels=[i['seg_map_path'] for i in infos] if has_labels else [],
        is_readable=reader in ('cv2', 'pillow'),
        turns=(image or {}).get('color_type', 'color') in _TURNING,
        table=id_table(reduces, getattr(dataset, 'label_map', None)),
        num_classes=next((n for n in numbers if n), None),
        ignore_index=weak.get(
            'ignore_index', getattr(dataset, 'ignore_index', 255)
        ),
        classes=classes,
        palette=tuple(map(tuple, dataset.metainfo.get('palette') or ())),
        sparse=_is_drawn(pipeline),
        key_root=pseudo and pseudo.get('data_root'),
        folder=_find_folder(dataset),
    )


def _find_folder(dataset: BaseDataset) -> Folder | None:
    from mmseg.datasets import BaseSegDataset

    prefixes = getattr(dataset, 'data_prefix', None) or {}
    images = prefixes.get('img_path')
    chosen = dataset._indices is not None or bool(dataset.filter_cfg)
    lists = getattr(type(dataset), 'load_data_list', None)
    if images is None or chosen or lists is not BaseSegDataset.load_data_list:
        return None
    labels = prefixes.get('seg_map_path')
    listed = dataset.ann_file
    return Folder(
        images,
        images if labels is None else labels,
        dataset.img_suffix,
        dataset.seg_map_suffix,
        bool(listed) and not os.path.isdir(listed),
    )


def _is_drawn(pipeline: dict[str, dict]) -> bool:
    """Whether labels are what people drew of weak labels."""
    weak = {'LoadWeakAnnotations', 'LoadPseudoLabel'} & pipeline.keys()
    return bool(weak) and 'SimulateWeakLabel' not in pipeline


def _heads(cfg: dict) -> dict[str, int]:
    """num_classes of the model's heads."""
    numbers = {}
    for name in ('decode_head', 'auxiliary_head'):
        heads = (cfg.get('model') or {}).get(name) or []
        for head in heads if isinstance(heads, (list, tuple)) else [heads]:
            if 'num_classes' in head:
                numbers[f'num_classes of {name}'] = head['num_classes']
    return numbers


def _check_numbers(split: Split, config: dict, cfg: dict) -> list[Finding]:
    """Whoever counts classes agrees."""
    counts = _heads(cfg)
    if split.classes:
        counts['classes of the data set'] = len(split.classes)
    for step in config.get('pipeline', []):
        if 'num_classes' in step:
            counts[f'num_classes of {step["type"]}'] = step['num_classes']
    if len(set(counts.values())) < 2:
        return []
    what = ', '.join(f'{name}: {count}' for name, count in counts.items())
    return [
        Finding(
            ERROR,
            split.name,
            f'the numbers of classes differ ({what})',
            'make them all the number of classes, unlabelled not counted',
        )
    ]
