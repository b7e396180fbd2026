"""Builds the data sets of a config, without their pipelines."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Sequence

from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.pipeline_configs import (
    leaf_datasets,
    makes_label,
    remote_folder,
)
from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding
from mmseg_sesam.type_names import lineage, option_of

# UTF-32 before UTF-16, whose mark it begins with.
_MARKS = {
    codecs.BOM_UTF8: 'UTF-8',
    codecs.BOM_UTF32_LE: 'UTF-32',
    codecs.BOM_UTF16_LE: 'UTF-16',
    codecs.BOM_UTF16_BE: 'UTF-16',
}


def named_datasets(cfg: dict, loaders: Sequence[str]) -> dict[str, dict]:
    """Returns the configs of the data sets within all wrappers, by name.

    The name lists the data loaders that use the data set, with a number where
    a wrapper holds several. Equal configs share an entry.

    Raises:
        ValueError: the config has no data set for any loader.
    """
    names: list[str] = []
    configs: list[dict] = []
    for loader in loaders:
        config = (cfg.get(f'{loader}_dataloader') or {}).get('dataset')
        leaves = [] if config is None else list(leaf_datasets(config))
        for index, leaf in enumerate(leaves):
            name = f'{loader}[{index}]' if len(leaves) > 1 else loader
            if leaf in configs:
                names[configs.index(leaf)] += f', {name}'
            else:
                names.append(name)
                configs.append(leaf)
    if not names:
        raise ValueError(
            f'The config has no data set for any of {", ".join(loaders)}; '
            'give the config of a whole run.'
        )
    return dict(zip(names, configs))


def build_dataset(name: str, config: dict) -> BaseDataset | Finding:
    """Returns the data set, or the finding that explains why there is none."""
    remote = remote_folder(config)
    if remote or config.get('backend_args'):
        where = remote or config.get('data_root') or 'the data set'
        what = f'{where} is not on a local disk and was not checked'
        return Finding(WARNING, name, what, 'check a local copy')
    kinds = lineage(config, DATASETS)
    if kinds and not issubclass(kinds[0], BaseDataset):
        what = f'{kinds[0].__name__} is no BaseDataset and was not checked'
        return Finding(WARNING, name, what, 'derive it from BaseSegDataset')
    reads_labels = any(map(makes_label, config.get('pipeline') or ()))
    # Serialising would take longer than all other checks of lists. The class
    # may set folders that the config does not name.
    config = dict(config, pipeline=[], serialize_data=False, lazy_init=True)
    dataset = None
    try:
        dataset = DATASETS.build(config)
        prefixes = dict(dataset.data_prefix)
        if not reads_labels:
            # Those of a base config, in a test without labels.
            prefixes.pop('seg_map_path', None)
        folders = dataset.data_root, *prefixes.values()
        problem = _find_missing(folders, dataset.ann_file)
        if problem is None:
            dataset.full_init()
            return dataset
    # A data set's class, or a list file, may fail in any way.
    except Exception as error:
        problem = None
        if dataset is None and kinds:
            # Some classes of mmseg assert without a word that files exist.
            problem = _find_missing(*_named_paths(config))
        text = ' '.join(str(error).split())
        text = f'{type(error).__name__}: {text}'.removesuffix(': ')
        what = f'the data set cannot be built ({text})'
        problem = problem or (what, 'correct it in the config')
    return Finding(ERROR, name, *problem)


def _named_paths(config: dict) -> tuple[list[str], str]:
    """Returns the folders and the list that options of a data set name."""
    names = ('data_root', 'data_prefix', 'ann_file')
    root, prefixes, listed = (option_of(config, DATASETS, n) for n in names)
    folders = ['', *(prefixes or {}).values()]
    folders = [os.path.join(root or '', folder or '') for folder in folders]
    return folders, listed and os.path.join(root or '', listed)


def _find_missing(
    folders: Iterable[str | None], path: str | None
) -> tuple[str, str] | None:
    """Returns problem and remedy if a folder or the list is missing."""
    for folder in folders:
        if folder and not os.path.isdir(folder):
            return (
                f'{os.path.abspath(folder)} is not a folder',
                'put the data there, or correct data_root, data_prefix',
            )
    if not path:
        return None
    if not os.path.exists(path):
        return (
            f'the list {os.path.abspath(path)} is missing',
            'write one name a line, without suffix, or correct ann_file',
        )
    return _find_misread(path) if os.path.isfile(path) else None


def _find_misread(path: str) -> tuple[str, str] | None:
    """Returns problem and remedy of a list that mmengine misreads.

    A byte order mark becomes part of the first name, invisible in errors.
    """
    with open(path, 'rb') as file:
        content = file.read()
    what = f'the list {os.path.abspath(path)} '
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return (
                f'{what}begins with the byte order mark of {encoding}',
                'save it as UTF-8 without a byte order mark (BOM)',
            )
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return (
            f'{what}is no UTF-8 at byte {error.start}',
            'save it as UTF-8; files whose names are no UTF-8 are found '
            'without a list alone',
        )
    return None
