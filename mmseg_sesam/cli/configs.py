"""Reads configs for the tools, with errors that name the file.

This module does not import torch, as `mmseg_sesam.cli.arguments`.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from mmengine.config import Config


def read_config(
    path: str, options: Mapping[str, Any] | None = None, *parts: str
) -> Config:
    """Returns the config of a file, with `--cfg-options` applied.

    Args:
        path: path of the config.
        options: values by their dotted keys.
        *parts: names that the config must have at its top.

    Raises:
        ValueError: the file or a base of it is missing or cannot be parsed,
            options do not fit it, or it lacks a part. Errors of the code in a
            config are raised as they are: their traceback shows the line.
    """
    try:
        cfg = Config.fromfile(path)
    except (OSError, SyntaxError, JSONDecodeError) as error:
        raise ValueError(
            f'{path} cannot be read as a config ({error}): correct it, or '
            'the file that its _base_ names'
        ) from error
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
