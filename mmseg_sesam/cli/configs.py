"""Reads configs for the tools, with errors that name the file.

This module does not import torch, as `mmseg_sesam.cli.arguments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.config.utils import ConfigParsingError
from yaml import YAMLError

# Names at the top of a config that a Runner, mmseg or a tool reads; an option
# may add them.
READ = (
    *('auto_scale_lr', 'custom_hooks', 'custom_imports', 'data_preprocessor'),
    *('default_hooks', 'default_scope', 'env_cfg', 'experiment_name'),
    *('launcher', 'load_from', 'log_level', 'log_processor', 'model'),
    *('optim_wrapper', 'param_scheduler', 'randomness', 'resume'),
    *('test_cfg', 'test_dataloader', 'test_evaluator', 'test_pipeline'),
    *('train_cfg', 'train_dataloader', 'tta_model', 'tta_pipeline'),
    *('val_cfg', 'val_dataloader', 'val_evaluator', 'visualizer', 'work_dir'),
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval'),
    *('find_unused_parameters', 'model_wrapper_cfg', 'strategy', 'sync_bn'),
)
# Values that unrelated options share.
_PLAIN = (int, float, type(None))
# Keys named in a message; train, validation and test data sets are three.
_PLACES = 4
# What mmengine raises for a file that is no config, besides KeyError.
_UNREADABLE = (
    *(ConfigParsingError, ImportError, JSONDecodeError, OSError),
    *(SyntaxError, UnicodeDecodeError, YAMLError),
)


def read_config(
    path: str, options: Mapping[str, Any] | None = None, *parts: str
) -> Config:
    """Returns the config of a file, with `--cfg-options` applied.

    Args:
        path: path of the config.
        options: values by their dotted keys.
        *parts: names that the config must have at its top.

    Raises:
        ValueError: the file, a base of it or a module that it imports is
            missing or cannot be parsed, options do not fit it or set what
            nothing reads, or it lacks a part. Errors of the code in a config
            are raised as they are: their traceback shows the line.
    """
    try:
        cfg = Config.fromfile(path)
    except (KeyError, *_UNREADABLE) as error:
        # One of two bases with the same names, else of the config's code.
        if isinstance(error, KeyError) and 'Duplicate' not in str(error):
            raise
        raise ValueError(
            f'{path} cannot be read as a config ({_reason(error)}): correct '
            'it, or the file that its _base_ names'
        ) from error
    for key in options or ():
        name = key.partition('.')[0]
        if name not in cfg and not _is_read(cfg, name):
            raise ValueError(
                f'--cfg-options set {name}, which {path} does not have and '
                'no tool reads: give the name of a part that it has'
            )
        if not _is_read(cfg, name):
            raise ValueError(
                f'--cfg-options set {key}, which no tool reads, and the '
                f'parts of {path} would keep their values: {_remedy(cfg, key)}'
            )
    try:
        cfg.merge_from_dict(dict(options or {}))
    except (KeyError, TypeError) as error:
        raise ValueError(
            f'--cfg-options do not fit {path} ({error}): give keys of '
            'options that it has'
        ) from error
    for part in parts:
        # None stands for a part that is left out.
        if cfg.get(part) is None:
            raise ValueError(
                f'{path} has no {part}, expected the config of a whole run: '
                f'add {part}, or give another config'
            )
    return cfg


def set_work_dir(cfg: Config, given: str | None) -> None:
    """Sets the work dir to the given one, the config's, or the default.

    The default is `work_dirs/<name of the config>`, as in mmseg's tools.
    """
    default = str(Path('work_dirs', Path(cfg.filename).stem))
    cfg.work_dir = given or cfg.get('work_dir') or default


def _is_read(cfg: Config, name: str) -> bool:
    """Returns whether a name at the top of a config has readers."""
    # A Runner takes it for a model that has none.
    if name == 'data_preprocessor' and name in (cfg.get('model') or {}):
        return False
    # The data sets of validation and testing have pipelines of their own.
    if name == 'test_pipeline':
        return not (cfg.get('val_dataloader') or cfg.get('test_dataloader'))
    return name in READ


def _remedy(cfg: Config, key: str) -> str:
    """Returns the keys that act in place of one that nothing reads."""
    name, dot, rest = key.partition('.')
    parts = {top: part for top, part in cfg.items() if _is_read(cfg, top)}
    places = [*_iterate_places(parts, name, cfg[name])]
    if not places:
        return 'change it in the file'
    keys = [f'{place}{dot}{rest}' for place in places[:_PLACES]]
    more = ', ...' if len(places) > _PLACES else ''
    remedy = f'set {", ".join(keys)}{more} instead'
    if isinstance(cfg[name], _PLAIN):
        # Numbers computed from it, such as a schedule's end, are not found.
        remedy += (
            ', or change it in the file if other values are computed from it'
        )
    return remedy


def _iterate_places(
    node: Any, name: str, value: Any, prefix: str = ''
) -> Iterator[str]:
    """Yields the dotted keys that have the value of a variable."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in items:
        if child == value and (key == name or not isinstance(value, _PLAIN)):
            yield f'{prefix}{key}'
        elif isinstance(child, (dict, list, tuple)):
            yield from _iterate_places(child, name, value, f'{prefix}{key}.')


def _reason(error: Exception) -> str:
    """Returns what an error says, in one line.

    mmengine's error of an import lists the search path; the first error of
    the chain names the module.
    """
    while isinstance(error.__context__, ImportError):
        error = error.__context__
    if isinstance(error, UnicodeDecodeError):
        return f'{error}; expected UTF-8'
    # str() of a KeyError adds quotes.
    text = error.args[0] if isinstance(error, KeyError) else error
    return ' '.join(str(text).split())
