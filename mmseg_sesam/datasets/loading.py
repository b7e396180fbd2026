"""Loading of weak labels and pseudo-labels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO

import cv2
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS
from torch.utils.data import Dataset

from mmseg_sesam.core.bands import class_ids
from mmseg_sesam.datasets.pipeline_configs import wrapped_datasets
from mmseg_sesam.io.labels import id_table, read_label, unnamed_values
from mmseg_sesam.io.names import sample_key
from mmseg_sesam.store.run_notes import run_lacks_rounds
from mmseg_sesam.store.store import CONFIDENT, LABELS, PseudoLabelStore
from mmseg_sesam.structures import LABEL_KINDS, NO_LABEL, UNLABELLED
from mmseg_sesam.validators import (
    FLAG,
    Rule,
    check_option,
    check_options,
    count,
    one_of,
)

_STORAGE = Rule(
    lambda value: isinstance(value, dict), 'a dict of options of a storage'
)


@TRANSFORMS.register_module()
class LoadWeakAnnotations(LoadAnnotations):
    """Loads a weak label and checks ids, channels and size.

    The stock `LoadAnnotations` casts ids to 8 bits, keeps RGB labels as
    they are and never compares the sizes of a label and its image.

    Required keys: img, seg_map_path, seg_fields; optional: label_map,
    file_classes.
    Added keys: gt_seg_map, (H, W) uint8; weak_classes, the sorted class ids
    of the whole label, of which a crop may show a part; with `kind`, or for
    an image without a label, label_kind.

    Args:
        num_classes: valid ids are 0 to `num_classes` - 1, after
            `reduce_zero_label` and the data set's `label_map`. Ids that a
            `label_map` lacks, or `file_classes` if the data set has them,
            are refused.
        kind: kind of the labels: 'dense', 'coarse', 'scribble', 'point', or
            'none' for images without labels, of which no file is read. Set
            it where data sets of several kinds are joined. A dense label is
            its own pseudo-label.
        unlabelled: 'allow' loads an image without a label file as one of
            kind 'none', which learns from the teacher; 'refuse' raises.
        reduce_zero_label: None takes that of the data set; another value
            than the data set's is refused.
        backend_args: of the storage of label files, as in mmengine. Leave it
            out with `SAMPseudoLabelHook` and `ClassSharesHook`, which read
            label files from disk.

    Example:
        >>> LoadWeakAnnotations(num_classes=0)
        Traceback (most recent call last):
        ...
        ValueError: LoadWeakAnnotations got num_classes=0, expected a whole...
    """

    def __init__(
        self,
        num_classes: int,
        kind: str | None = None,
        unlabelled: str = 'refuse',
        reduce_zero_label: bool | None = None,
        backend_args: dict | None = None,
    ) -> None:
        owner = type(self).__name__
        zero = FLAG.or_none()
        check_option(owner, 'reduce_zero_label', reduce_zero_label, zero)
        check_option(owner, 'backend_args', backend_args, _STORAGE.or_none())
        super().__init__(
            reduce_zero_label=reduce_zero_label, backend_args=backend_args
        )
        self.num_classes = num_classes
        self.kind = kind
        self.unlabelled = unlabelled
        check_options(
            self,
            num_classes=count(1, 255),
            kind=one_of((None, *LABEL_KINDS)),
            unlabelled=one_of(('refuse', 'allow')),
        )

    def _load_seg_map(self, results: dict) -> None:
        kind, label = self.kind, None
        if kind != NO_LABEL:
            label = self._read(label_path(results))
        if label is None:
            kind = NO_LABEL
            results['gt_seg_map'] = np.full(
                results['img'].shape[:2], UNLABELLED, np.uint8
            )
            results['weak_classes'] = []
        else:
            self._convert(results, label)
        if kind is not None:
            results['label_kind'] = kind
        results['seg_fields'].append('gt_seg_map')

    def _convert(self, results: dict, label: np.ndarray) -> None:
        """Adds a label, with the ids of the data set, to the results."""
        path = results['seg_map_path']
        expected = results.get('reduce_zero_label', False)
        if self.reduce_zero_label is None:
            self.reduce_zero_label = expected
        if self.reduce_zero_label != expected:
            raise ValueError(
                f'{type(self).__name__} has reduce_zero_label='
                f'{self.reduce_zero_label} and the data set of {path} '
                f'{expected}; remove it from the transform, and correct that '
                'of the data set if its files need another.'
            )
        label_map = results.get('label_map')
        lacks = unnamed_values(
            self.reduce_zero_label, label_map, results.get('file_classes')
        )
        if lacks.any():
            _check_named(label, path, lacks)
        table = id_table(self.reduce_zero_label, label_map)
        # Ten times as fast as indexing.
        label = cv2.LUT(label, table)
        ids = self._check(label, path, results['img'].shape[:2])
        results['gt_seg_map'] = label
        results['weak_classes'] = ids

    def _read(self, path: str) -> np.ndarray | None:
        """Returns the label of a file, None if it may be missing and is."""
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError:
            if self.unlabelled == 'allow':
                return None
            raise FileNotFoundError(
                f'The weak label {path} is missing; add it, take its image '
                'out of the list of training images, or set '
                "unlabelled='allow' of LoadWeakAnnotations."
            ) from None
        return read_label(BytesIO(content), f'The weak label {path}')

    def _check(
        self, label: np.ndarray, path: str, shape: tuple[int, int]
    ) -> list[int]:
        """Returns the class ids of a label after checking them."""
        if label.shape != shape:
            raise ValueError(
                f'The weak label {path} has {label.shape} and its image '
                f'{shape} pixels (height, width), expected one size; label '
                'the image at its own size.'
            )
        ids = class_ids(label).tolist()
        wrong = [i for i in ids if i >= self.num_classes]
        if wrong:
            raise ValueError(
                f'The weak label {path} holds the class ids '
                f'{wrong}, expected ids below num_classes='
                f'{self.num_classes}, or 255 for unlabelled pixels; correct '
                'the label, or num_classes.'
            )
        return ids


def _check_named(label: np.ndarray, path: str, lacks: np.ndarray) -> None:
    """Raises if a file holds ids that the data set does not name.

    Args:
        label: (H, W) uint8, the values of the file.
        path: path of the file.
        lacks: (256,) bool, see `unnamed_values`.
    """
    ids = class_ids(label).tolist()
    if unnamed := [i for i in ids if lacks[i]]:
        named = np.flatnonzero(~lacks[:UNLABELLED])
        raise ValueError(
            f'The weak label {path} holds the ids {unnamed}, which its data '
            f'set does not name, expected ids {named.min()} to '
            f'{named.max()}, or 255 for unlabelled pixels; correct the '
            'label, or give the ids names, as in file_classes of '
            'MappedSegDataset.'
        )


def label_path(info: dict) -> str:
    """Returns the path of an image's label file.

    Raises:
        ValueError: the data set has no folder of labels.
    """
    if 'seg_map_path' not in info:
        raise ValueError(
            f'The data set of {info.get("img_path")} names no labels; set '
            "seg_map_path in its data_prefix, or kind='none' of "
            'LoadWeakAnnotations.'
        )
    return info['seg_map_path']


@TRANSFORMS.register_module()
class LoadPseudoLabel(BaseTransform):
    """Loads the pseudo-label of an image from the published round.

    `SAMPseudoLabelHook` attaches the store of its run, see `attach_store`.
    Without a store, and before the first round is published, every pixel is
    unlabelled: workers load samples ahead before a run makes its first round.

    Required keys: img, img_path, seg_fields. Added keys: pseudo_seg_map and,
    if the model has teacher='round', confident_seg_map, (H, W) uint8, both
    listed in `seg_fields`, so that mmseg's geometric transforms treat them as
    labels; pseudo_label_round, -1 where there is no round.

    Example:
        >>> import numpy as np
        >>> load = LoadPseudoLabel()
        >>> sample = dict(img=np.zeros((2, 3, 3)), seg_fields=[])
        >>> load(dict(sample, img_path='a.jpg'))['pseudo_label_round']
        -1
    """

    def __init__(self) -> None:
        self.enabled = True
        self.with_confident = False
        self.store: PseudoLabelStore | None = None
        self.data_root = os.curdir

    def transform(self, results: dict) -> dict:
        """Adds the pseudo-label to the results.

        Raises:
            FileNotFoundError: the round has no label for the image.
            ValueError: label and image differ in size, or a Runner trains
                without a hook that makes rounds.
        """
        if not self.enabled:
            return results
        if self.store is None and run_lacks_rounds():
            raise ValueError(
                'The training pipeline has LoadPseudoLabel, and no '
                'SAMPseudoLabelHook of this run makes what it loads; add the '
                'hook as default_hooks.pseudo_labels, or take '
                'LoadPseudoLabel out.'
            )
        round_index = None if self.store is None else self.store.current
        fields = dict(pseudo_seg_map=LABELS)
        if self.with_confident:
            fields['confident_seg_map'] = CONFIDENT
        for field, kind in fields.items():
            results[field] = self._load(results, round_index, kind)
            results['seg_fields'].append(field)
        results['pseudo_label_round'] = (
            -1 if round_index is None else round_index
        )
        return results

    def _load(
        self, results: dict, round_index: int | None, kind: str
    ) -> np.ndarray:
        """Returns a (H, W) label map, unlabelled where the round has none."""
        shape = results['img'].shape[:2]
        # Round 0 is made without a teacher.
        if round_index is None or (kind == CONFIDENT and not round_index):
            return np.full(shape, UNLABELLED, np.uint8)
        key = sample_key(results['img_path'], self.data_root)
        label = self.store.read(key, round_index, kind)
        if label.shape != shape:
            raise ValueError(
                f'The pseudo-label of {results["img_path"]} in '
                f'{self.store.folder(round_index)} has {label.shape} '
                f'and the image {shape} pixels (height, width); make '
                'the pseudo-labels again.'
            )
        return label


def attach_store(
    dataset: Dataset,
    store: PseudoLabelStore | None,
    data_root: str = os.curdir,
    enabled: bool = True,
    with_confident: bool = False,
) -> None:
    """Sets the store that the `LoadPseudoLabel` of a data set read from.

    Workers get it with the data set, so call it before they start. Without
    a store every pixel is unlabelled; `enabled=False` makes the transforms
    add nothing. `with_confident` loads the teacher's confident predictions
    as well, which the rounds of teacher='round' hold. `data_root` is the
    folder to which images are named relative.
    """
    for transform in iterate_loaders(dataset):
        transform.store, transform.data_root = store, data_root
        transform.enabled = enabled
        transform.with_confident = with_confident


def copy_store(source: Dataset, target: Dataset) -> None:
    """Lets a data set read what another reads, see `attach_store`."""
    for loader in iterate_loaders(source):
        attach_store(
            target,
            loader.store,
            loader.data_root,
            loader.enabled,
            loader.with_confident,
        )


def iterate_loaders(dataset: Dataset) -> Iterator[LoadPseudoLabel]:
    """Yields all `LoadPseudoLabel` of a built data set and of its wrappers."""
    for part in wrapped_datasets(dataset):
        yield from iterate_loaders(part)
    pipeline = getattr(dataset, 'pipeline', None) or []
    for transform in getattr(pipeline, 'transforms', pipeline):
        if isinstance(transform, LoadPseudoLabel):
            yield transform
