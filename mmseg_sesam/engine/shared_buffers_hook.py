"""Hook that lets all ranks validate the network of a checkpoint."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmseg_sesam.engine.models import share_buffers


class SharedBuffersHook(Hook):
    """Copies the main rank's buffers to all ranks before a validation.

    Without SyncBN each rank has updated its running means by another batch,
    so that each part of the images would be validated with another network.
    """

    # After hooks that exchange the weights, as EMAHook does.
    priority = 'LOW'

    def before_val_epoch(self, runner: Runner) -> None:
        """Copies the buffers."""
        share_buffers(runner.model)
