"""Runner of the tools, with a short terminal."""

from __future__ import annotations

from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmseg_sesam.engine.progress_hook import ProgressHook
from mmseg_sesam.io.terminal import shorten


class TerminalRunner(Runner):
    """mmengine's Runner with short terminal output.

    Config and hooks are written to the log file only, and a slow step shows
    that it is alive.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.register_hook(ProgressHook())

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Builds the logger before anything is logged."""
        logger = super().build_logger(*args, **kwargs)
        shorten(logger)
        return logger
