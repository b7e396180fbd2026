"""Checkpoint hook that leaves a whole checkpoint when it is killed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio.backends import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_sesam.io.atomic import PARTS, remove_parts, replace_file
from mmseg_sesam.models.checkpoint_file import read_checkpoint

_CHECKPOINT_KEY = 'outdated_checkpoints'
# Only files of such names are removed on behalf of a checkpoint.
_NAME = re.compile(r'(best_[\w.-]*_)?(iter|epoch)_\d+\.pth')


@register_backend('atomic')
class AtomicBackend(LocalBackend):
    """Local backend that replaces files whole and removes them on request."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.outdated: list[str] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Writes a file under another name and moves it to its place."""
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, obj, sync=True)

    def remove(self, filepath: str | Path) -> None:
        """Marks a file, for `remove_outdated`."""
        self.outdated.append(str(filepath))

    def remove_outdated(self, folder: str, but: Collection[str]) -> None:
        """Removes a folder's marked files that were not written again."""
        own = Path(folder).resolve()
        for path in set(self.outdated).difference(but):
            if Path(path).parent.resolve() == own and self.isfile(path):
                super().remove(path)
        self.outdated.clear()


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Replaces `CheckpointHook` on a local disk.

    The stock hook removes the oldest checkpoint before it writes the next
    one in place: with `max_keep_ckpts=1` a kill in between, or a full disk,
    leaves none. This hook writes a checkpoint under another name and moves
    it to its place. Outdated checkpoints are removed afterwards, by the
    resumed run if this one is killed.

    A resumed run looks for best checkpoints in the folder, since a moved or
    killed run may have noted another path. With `save_best='auto'` it does
    not, because the metric is not known before the first validation: set
    `save_best` to the metric's name.

    Args:
        **kwargs: of `CheckpointHook`, without backend_args.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(backend_args=dict(backend='atomic'), **kwargs)
        self.resumed_outdated: list[str] = []

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the checkpoints that become outdated."""
        names = [Path(path).name for path in self.file_backend.outdated]
        checkpoint[_CHECKPOINT_KEY] = names

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Reads the checkpoints that the resumed one made outdated."""
        if runner._resume:
            names = checkpoint.get(_CHECKPOINT_KEY, [])
            self.resumed_outdated = [n for n in names if _NAME.fullmatch(n)]

    def before_train(self, runner: Runner) -> None:
        """Finds what a kill has left in the folder of checkpoints.

        Checkpoints are removed later: the run may still be refused.
        """
        super().before_train(runner)
        # A checkpoint names outdated files of its own folder only.
        own = Path(self.out_dir)
        source = Path(runner._load_from or own / 'latest').parent
        if is_main_process() and source.resolve() == own.resolve():
            for name in self.resumed_outdated:
                self.file_backend.remove(str(own / name))
        if is_main_process():
            remove_parts(own.glob(PARTS))
        if self.save_best and runner._resume:
            for key in self.key_indicators:
                self._find_best(runner, own, key)

    def after_train(self, runner: Runner) -> None:
        """Removes outdated checkpoints, also if none was saved at the end."""
        super().after_train(runner)
        self._remove_outdated()

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Saves the best checkpoint."""
        super().after_val_epoch(runner, metrics)
        self._remove_outdated()

    def _save_checkpoint(self, runner: Runner) -> None:
        super()._save_checkpoint(runner)
        self._remove_outdated()

    def _find_best(self, runner: Runner, own: Path, key: str) -> None:
        """Finds the best checkpoint of a run that was moved or killed.

        The resumed checkpoint has the path before the move. A run that was
        killed right after it saved a better checkpoint has not noted that.
        """
        suffix = f'_{key}' if len(self.key_indicators) > 1 else ''
        hub = runner.message_hub
        done = runner.epoch if self.by_epoch else runner.iter
        files = self._by_step(own.glob('best_*.pth'), key)
        saved = {step: path for step, path in files.items() if step <= done}
        if not saved:
            return
        newest = max(saved)
        best = saved[newest]
        path_noted = Path(hub.get_info(f'best_ckpt{suffix}', ''))
        noted = max(self._by_step([path_noted], key), default=-1)
        # The file that the run noted is gone.
        if noted > newest:
            return
        # The run was killed after it saved the file, before it noted it.
        if noted < newest:
            info = read_checkpoint(str(best))['message_hub']['runtime_info']
            score = info.get(f'best_score{suffix}')
            # A run with another number of metrics saved it.
            if score is None:
                return
            hub.update_info(f'best_score{suffix}', score)
        hub.update_info(f'best_ckpt{suffix}', str(best))
        if suffix:
            self.best_ckpt_path_dict[key] = str(best)
        else:
            self.best_ckpt_path = str(best)
        if is_main_process():
            for path in set(saved.values()) - {best}:
                self.file_backend.remove(str(path))

    def _by_step(self, paths: Iterable[Path], key: str) -> dict[int, Path]:
        """Returns a metric's best checkpoints by their iteration or epoch.

        Paths with names of the user's own are left out.
        """
        unit = 'epoch' if self.by_epoch else 'iter'
        metric = re.escape(key.replace('/', '_'))
        name = re.compile(rf'best_{metric}_{unit}_(\d+)\.pth')
        matches = ((name.fullmatch(path.name), path) for path in paths)
        return {int(match[1]): path for match, path in matches if match}

    def _remove_outdated(self) -> None:
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        last = self.last_ckpt, getattr(self, 'best_ckpt_path', None)
        # A moved or copied run may have marked files of another folder.
        self.file_backend.remove_outdated(self.out_dir, {*best, *last})
