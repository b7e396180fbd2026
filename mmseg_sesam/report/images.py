"""The training images of a run, with all their labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.label_kinds import image_kinds
from mmseg_sesam.datasets.pipeline_configs import (
    common_data_root,
    leaf_datasets,
    loading_dataset,
)
from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.evaluation.matching import describe_left_out, match_labels
from mmseg_sesam.io.labels import id_table, read_label
from mmseg_sesam.io.names import sample_key
from mmseg_sesam.report.run import Run
from mmseg_sesam.store.store import CONFIDENT, LABELS
from mmseg_sesam.structures import DENSE
from mmseg_sesam.visualization.sheet import choose_palette


class Labelled(NamedTuple):
    """An image and its labels, all at the size of the file.

    Attributes:
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8, the label in the training set.
        rounds: (H, W) uint8 pseudo-label of each round.
        confident: (H, W) uint8, the teacher's confident label of the last
            round, None if it is not stored.
        truth: (H, W) uint8 dense label to measure others with, None without
            one, and where `weak` is dense itself.
        records: records of the components, by round.
        kind: kind of the label, None if the data set does not say it.
    """

    image: np.ndarray
    weak: np.ndarray
    rounds: dict[int, np.ndarray]
    confident: np.ndarray | None
    truth: np.ndarray | None
    records: dict[int, list[dict[str, Any]]]
    kind: str | None = None


class RunImages:
    """Reads the training images of a run, whole and each once.

    `gt_dir` has dense index images of some or all images; those of images of
    kind 'dense' are left out. `suffixes` are the ends of the names of images
    and of dense labels, where they differ.

    Raises:
        FileNotFoundError: the data set is missing, or no image has a dense
            label in `gt_dir`.
    """

    def __init__(
        self,
        run: Run,
        gt_dir: Path | None = None,
        suffixes: tuple[str, str] = ('', ''),
    ) -> None:
        self.run = run
        self.dataset = _build_dataset(run)
        names = self.dataset.metainfo.get('classes')
        if names is None:
            heads = run.cfg.model.decode_head
            # A cascade has several heads, and the last one predicts.
            head = heads[-1] if isinstance(heads, list) else heads
            names = [str(index) for index in range(head.num_classes)]
        self.classes = list(names)
        palette = self.dataset.metainfo.get('palette')
        self.palette = choose_palette(palette, len(names))
        self.recoloured = [
            name
            for name, given, used in zip(names, palette or (), self.palette)
            if list(given) != used
        ]
        self.paths = [
            self.dataset.get_data_info(index)['img_path']
            for index in range(len(self.dataset))
        ]
        if run.store:
            root = common_data_root(self.dataset)
        else:
            root = os.path.commonpath(map(os.path.dirname, self.paths))
        self.keys = [sample_key(path, root) for path in self.paths]
        self.truths: dict[int, Path] = {}
        self.left_out: list[str] = []
        if gt_dir is not None:
            truths, self.left_out = _find_truths(
                self.paths, self.keys, gt_dir, suffixes
            )
            # A dense label is its own pseudo-label, and would count as one
            # without a mistake.
            kinds = image_kinds(self.dataset)
            self.truths = {i: truths[i] for i in truths if kinds[i] != DENSE}

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def folder(self) -> Path:
        """The folder of all images: the data sets' own, `img_path`.

        It holds all images even if none lies outside of one subfolder.
        """
        parts = leaf_datasets(self.dataset)
        prefixes = [part.data_prefix.get('img_path') for part in parts]
        paths = map(os.path.dirname, self.paths)
        folders = {*map(os.path.abspath, [*filter(None, prefixes), *paths])}
        return Path(os.path.commonpath(folders))

    def __getitem__(self, index: int) -> Labelled:
        """Reads one image and its labels.

        Raises:
            FileNotFoundError: a round has no label of the image.
            ValueError: a file is damaged.
        """
        sample = self.dataset[index]
        run, key = self.run, self.keys[index]
        confident = None
        if run.rounds:
            last = run.store.folder(max(run.rounds))
            path = last / CONFIDENT / f'{key}.png'
            confident = read_label(path) if path.is_file() else None
        records = {r: run.store.record(key, r) or {} for r in run.rounds}
        return Labelled(
            image=rgb_view(sample['inputs'], sample['data_samples']),
            weak=sample['data_samples'].gt_sem_seg.data[0].numpy(),
            rounds={r: run.store.read(key, r, LABELS) for r in run.rounds},
            confident=confident,
            truth=self._truth(index),
            records={r: v.get('components', []) for r, v in records.items()},
            kind=sample['data_samples'].get('label_kind'),
        )

    def _truth(self, index: int) -> np.ndarray | None:
        """Returns the dense label of an image, None without one.

        Its file has the ids of the image's data set.
        """
        if index not in self.truths:
            return None
        info = self.dataset.get_data_info(index)
        table = id_table(info['reduce_zero_label'], info['label_map'])
        return table[read_label(self.truths[index])]


def _build_dataset(run: Run) -> Any:
    """Builds the training data set with pipelines that only load."""
    init_default_scope(run.cfg.get('default_scope', 'mmseg'))
    try:
        built = DATASETS.build(
            loading_dataset(run.cfg.train_dataloader.dataset)
        )
        first = built.get_data_info(0)['img_path']
        if not Path(first).is_file():
            raise FileNotFoundError(f'{first} is missing')
    # mmseg asserts that a list of images exists.
    except (FileNotFoundError, IndexError, AssertionError) as error:
        raise FileNotFoundError(
            f'The training images of {run.work_dir} are not where its config '
            f'says ({error}); start the tool in the folder where the '
            'training was started, or, if a folder was moved or renamed '
            'since then, move it back, or link its old path to the new one.'
        ) from error
    return built


def _find_truths(
    paths: list[str], keys: list[str], gt_dir: Path, suffixes: tuple[str, str]
) -> tuple[dict[int, Path], list[str]]:
    """Returns dense labels by image, and sentences on what is left out."""
    files = [Path(os.path.abspath(path)) for path in paths]
    # A data set of several parts may list an image twice.
    names = dict(zip(files, keys))
    root = Path(files[0].anchor)
    matches = match_labels(list(names), root, gt_dir, suffixes)
    truths = {
        index: matches.pairs[file]
        for index, file in enumerate(files)
        if file in matches.pairs
    }
    missing = [names[file] for file in matches.missing]
    unused = [str(path.relative_to(gt_dir)) for path in matches.unused]
    return truths, [
        *describe_left_out('training images', 'dense label', missing),
        *describe_left_out('dense labels', 'training image', unused),
    ]
