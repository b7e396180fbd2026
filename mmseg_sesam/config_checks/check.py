"""The check of a whole training config."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config
from mmengine.hooks import Hook

from mmseg_sesam.config_checks.evaluation import check_evaluation
from mmseg_sesam.config_checks.model import check_model
from mmseg_sesam.config_checks.parts import check_parts
from mmseg_sesam.config_checks.training import Training
from mmseg_sesam.config_checks.values import check_values


def check_config(cfg: Config, hooks: Sequence[Hook] | None = None) -> None:
    """Refuses a config in which a part of this package has no effect.

    A missing part raises no error, and neither does a value that differs
    between parts: this finds both from the config, in less than a second. A
    config without any part of this
    package passes. What has little effect is logged as a warning.

    Args:
        cfg: of a training.
        hooks: of the Runner, which may have others than the config names;
            None before there is a Runner.

    Raises:
        ValueError: parts do not belong together, or values that stand in
            several places differ.

    Example:
        >>> from mmengine.config import Config
        >>> cfg = Config.fromfile('configs/sesam/deeplabv3_camvid_coarse.py')
        >>> check_config(cfg)
        >>> cfg.custom_hooks = [dict(type='EMAHook')]
        >>> check_config(cfg)
        Traceback (most recent call last):
        ...
        ValueError: ...
    """
    training = Training.of_config(cfg, hooks)
    if not training.has_own_parts:
        return
    try:
        check_parts(training)
        check_model(training)
        check_evaluation(cfg)
        check_values(cfg, training)
    except ValueError as error:
        raise ValueError(f'{cfg.filename or "The config"}: {error}') from error
