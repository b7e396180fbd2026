"""The check of a whole training config."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config
from mmengine.hooks import Hook

from mmseg_sesam.config_checks.deterministic import check_deterministic
from mmseg_sesam.config_checks.heads import check_heads
from mmseg_sesam.config_checks.joined import check_joined
from mmseg_sesam.config_checks.kinds import check_kinds
from mmseg_sesam.config_checks.model import check_model
from mmseg_sesam.config_checks.names import check_names
from mmseg_sesam.config_checks.parts import check_parts
from mmseg_sesam.config_checks.shares import check_shares
from mmseg_sesam.config_checks.training import Training
from mmseg_sesam.config_checks.values import check_values


def check_config(cfg: Config, hooks: Sequence[Hook] | None = None) -> None:
    """Raises if a part of this package has no effect in a config.

    Without the check a missing part, or a value that differs between parts,
    trains without an error. The check reads the config, looks for a GPU, and
    takes less than a second. A config without any part of this package
    passes. Options with little effect are logged as a warning.

    Args:
        cfg: of a training.
        hooks: hooks of the Runner, if there is one, which may have other
            hooks than its config.

    Raises:
        ValueError: a part needs another one that is missing, or values
            that several parts share differ, or a file that a part reads
            is missing.

    Example:
        >>> from mmengine.config import Config
        >>> cfg = Config.fromfile('configs/sesam/deeplabv3_camvid_coarse.py')
        >>> check_config(cfg)
        >>> hook = cfg.default_hooks.pop('pseudo_labels')
        >>> check_config(cfg)
        Traceback (most recent call last):
        ...
        ValueError: ...
    """
    training = Training(cfg, hooks)
    if not training.has_own_parts:
        return
    try:
        # Before the names of options: those of a cascade have no meaning.
        check_heads(training)
        check_names(training)
        check_parts(training)
        check_model(training)
        check_kinds(training)
        check_joined(training)
        check_values(training)
        check_shares(training)
        check_deterministic(training)
    except (OSError, ValueError) as error:
        raise ValueError(f'{cfg.filename or "The config"}: {error}') from error
