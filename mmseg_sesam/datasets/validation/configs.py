"""Building the data sets of a config, without their pipelines."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Sequence

from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding

# UTF-32 before UTF-16, whose mark it begins with.
_MARKS = {
    codecs.BOM_UTF8: 'UTF-8',
    codecs.BOM_UTF32_LE: 'UTF-32',
    codecs.BOM_UTF16_LE: 'UTF-16',
    codecs.BOM_UTF16_BE: 'UTF-16',
}


def build_datasets(
    cfg: dict, loaders: Sequence[str]
) -> tuple[dict[str, tuple[dict, BaseDataset]], list[Finding]]:
    """Builds what is inside of all wrappers.

    Args:
        cfg: a whole config.
        loaders: those of 'train', 'val' and 'test' that are wanted.

    Returns:
        Config and data set by name, and what is wrong with those that could
        not be built. The name is that of the data loaders that use it, with
        a number where a wrapper holds several.

    Raises:
        ValueError: the config has no data set for any of them.
    """
    built, findings = {}, []
    for name, config in _named_datasets(cfg, loaders).items():
        dataset, problems = _build(name, config)
        findings += problems
        if dataset is not None:
            built[name] = config, dataset
    return built, findings


def _named_datasets(cfg: dict, loaders: Sequence[str]) -> dict[str, dict]:
    """Configs of the data sets by name; equal ones share an entry."""
    found: list[tuple[str, dict]] = []
    for loader in loaders:
        config = (cfg.get(f'{loader}_dataloader') or {}).get('dataset')
        if config is None:
            continue
        leaves = list(_leaves(config))
        for index, leaf in enumerate(leaves):
            name = f'{loader}[{index}]' if len(leaves) > 1 else loader
            for place, (earlier, other) in enumerate(found):
                if other == leaf:
                    found[place] = (f'{earlier}, {name}', other)
                    break
            else:
                found.append((name, leaf))
    if not found:
        raise ValueError(
            f'The config has no data set for any of {", ".join(loaders)}; '
            'give the config of a whole run.'
        )
    return dict(found)


def _leaves(config: dict) -> Iterator[dict]:
    """Data sets within wrappers that repeat, mix or join them."""
    parts = [*config.get('datasets', []), config.get('dataset')]
    parts = [part for part in parts if part is not None]
    if not parts:
        yield config
    for part in parts:
        yield from _leaves(part)


def _build(
    name: str, config: dict
) -> tuple[BaseDataset | None, list[Finding]]:
    """Builds a data set, or tells why not."""
    root = config.get('data_root') or ''
    if '://' in root or config.get('backend_args'):
        what = f'{root} is not on a local disk and was not checked'
        return None, [Finding(WARNING, name, what, 'check a local copy')]
    kind = config.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and not issubclass(kind, BaseDataset):
        what = f'{kind.__name__} is no BaseDataset and was not checked'
        remedy = 'derive it from BaseSegDataset'
        return None, [Finding(WARNING, name, what, remedy)]
    if problem := _not_there(name, config, root):
        return None, problem
    # Serialising would cost more than all other checks of lists.
    config = dict(config, pipeline=[], serialize_data=False)
    try:
        return DATASETS.build(config), []
    # A data set's class, or a list file, may fail in any way.
    except Exception as error:
        what = f'the data set cannot be built ({_describe(error)})'
        return None, [Finding(ERROR, name, what, 'correct it in the config')]


def _not_there(name: str, config: dict, root: str) -> list[Finding]:
    """What the config names and the disk does not have."""
    prefixes = config.get('data_prefix') or {}
    folders = ['', *prefixes.values()]
    for folder in (os.path.join(root, part or '') for part in folders):
        if folder and not os.path.isdir(folder):
            what = f'{os.path.abspath(folder)} is not a folder'
            remedy = 'put the data there, or correct data_root, data_prefix'
            return [Finding(ERROR, name, what, remedy)]
    listed = os.path.join(root, config.get('ann_file') or '')
    if config.get('ann_file') and not os.path.exists(listed):
        what = f'the list {os.path.abspath(listed)} is missing'
        remedy = 'write one name a line, without suffix, or correct ann_file'
        return [Finding(ERROR, name, what, remedy)]
    return _misread(name, listed) if config.get('ann_file') else []


def _misread(name: str, listed: str) -> list[Finding]:
    """Looks for a list that mmengine cannot read, or reads wrongly.

    A byte order mark becomes part of its first name, invisible in errors.
    """
    if not os.path.isfile(listed):
        return []
    with open(listed, 'rb') as file:
        content = file.read()
    what = f'the list {os.path.abspath(listed)} '
    mark = next((m for m in _MARKS if content.startswith(m)), None)
    if mark is not None:
        what += f'begins with the byte order mark of {_MARKS[mark]}'
        remedy = 'save it as UTF-8 without a byte order mark (BOM)'
        return [Finding(ERROR, name, what, remedy)]
    try:
        content.decode()
    except UnicodeDecodeError as error:
        what += f'is no UTF-8 at byte {error.start}'
        remedy = (
            'save it as UTF-8; files whose names are no UTF-8 are found '
            'without a list alone'
        )
        return [Finding(ERROR, name, what, remedy)]
    return []


def _describe(error: Exception) -> str:
    text = ' '.join(str(error).split())
    return f'{type(error).__name__}: {text}' if text else type(error).__name__
