"""Hook whose interrupted writes cost no checkpoint."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio.backends import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_sesam.io.atomic import PARTS, remove_parts, replacing

_CHECKPOINT_KEY = 'outdated_checkpoints'
# Nothing else is removed at a checkpoint's word.
_NAME = re.compile(r'(best_[\w.-]*_)?(iter|epoch)_\d+\.pth')


@register_backend('atomic')
class AtomicBackend(LocalBackend):
    """A local disk whose files are replaced whole, and removed late."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.outdated: list[str] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Writes a file beside its place and moves it there."""
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, sync=True) as part, part.open('wb') as file:
            file.write(obj)

    def remove(self, filepath: str | Path) -> None:
        """Marks a file as outdated."""
        self.outdated.append(str(filepath))

    def remove_outdated(self, but: Collection[str]) -> None:
        """Removes what is marked.

        Args:
            but: files that have been written again since.
        """
        for path in set(self.outdated).difference(but):
            if self.isfile(path):
                super().remove(path)
        self.outdated.clear()


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Takes the place of `CheckpointHook` on a local disk.

    The stock one removes the oldest checkpoint before it writes the next,
    and writes that in place: with `max_keep_ckpts=1` a kill in between, or
    a full disk, leaves none. Here a checkpoint is written beside its place
    and moved there, and others are removed afterwards, if need be by the
    run that goes on with it.

    Args:
        **kwargs: of `CheckpointHook`, without backend_args.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(backend_args=dict(backend='atomic'), **kwargs)
        self.resumed_outdated: list[str] = []

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes which others it makes outdated."""
        names = [Path(path).name for path in self.file_backend.outdated]
        checkpoint[_CHECKPOINT_KEY] = names

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Hears which others have been outdated since a resumed one."""
        if runner._resume:
            names = checkpoint.get(_CHECKPOINT_KEY, [])
            self.resumed_outdated = [n for n in names if _NAME.fullmatch(n)]

    def before_train(self, runner: Runner) -> None:
        """Finds its folder, and what a kill has left there.

        Checkpoints are removed later: the run may yet be refused.
        """
        super().before_train(runner)
        # The checkpoint of another folder tells of files there.
        own = Path(self.out_dir)
        source = Path(runner._load_from or own / 'latest').parent
        if is_main_process() and source.resolve() == own.resolve():
            for name in self.resumed_outdated:
                self.file_backend.remove(str(own / name))
        if is_main_process():
            remove_parts(own.glob(PARTS))

    def after_train(self, runner: Runner) -> None:
        """Removes what is outdated, if nothing had to be saved any more."""
        super().after_train(runner)
        self._remove_outdated()

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Saves the best checkpoint."""
        super().after_val_epoch(runner, metrics)
        self._remove_outdated()

    def _save_checkpoint(self, runner: Runner) -> None:
        super()._save_checkpoint(runner)
        self._remove_outdated()

    def _remove_outdated(self) -> None:
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        last = self.last_ckpt, getattr(self, 'best_ckpt_path', None)
        self.file_backend.remove_outdated({*best, *last})
