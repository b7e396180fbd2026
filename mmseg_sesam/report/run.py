"""Reads what a training left in its work_dir."""

from __future__ import annotations

import json
from contextlib import suppress
from math import isfinite, nan
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmseg.registry import METRICS

from mmseg_sesam.datasets.pipeline_configs import (
    iterate_transforms,
    transform_names,
)
from mmseg_sesam.engine.work_dir import latest_checkpoint
from mmseg_sesam.evaluation.weak_pixels import PROXY, WeakPixelAccuracy
from mmseg_sesam.report.class_iou import match_class_tables, read_class_tables
from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore
from mmseg_sesam.type_names import metrics_of, type_names


class Run(NamedTuple):
    """A training on disk.

    Attributes:
        work_dir: the folder.
        cfg: config of the latest start.
        train: logged scalars of training steps, one dict for each line.
        val: logged scalars of validations.
        class_iou: IoU of each class by name, in percent, by the step of the
            validation; empty without such tables in the log.
        store: the run's pseudo-labels, None if it trains without any.
        rounds: manifests by number of the round.
        checkpoint: the latest one, None if there is none.
    """

    work_dir: Path
    cfg: Config
    train: list[dict[str, float]]
    val: list[dict[str, float]]
    class_iou: dict[float, dict[str, float]]
    store: PseudoLabelStore | None
    rounds: dict[int, dict[str, Any]]
    checkpoint: Path | None

    @property
    def done(self) -> int:
        """Iterations done; a validation may follow the last logged loss."""
        return _done(self.train, self.val)

    @property
    def measure(self) -> str:
        """Name of what ranks validations: the mIoU, or the proxy."""
        if any('mIoU' in line for line in self.val):
            return 'mIoU'
        metrics = metrics_of(self.cfg.get('val_evaluator'))
        names = {name for m in metrics for name in type_names(m, METRICS)}
        return PROXY if WeakPixelAccuracy.__name__ in names else 'mIoU'

    @property
    def has_proxy(self) -> bool:
        """Whether validations measured weakly labelled pixels only."""
        return self.measure == PROXY

    @property
    def validated(self) -> list[dict[str, float]]:
        """Validations with a value of the measure."""
        return [v for v in self.val if isfinite(v.get(self.measure, nan))]

    @property
    def best(self) -> dict[str, float] | None:
        """The first validation of the highest measure, if there is any."""
        name = self.measure
        return max(self.validated, key=lambda v: v[name], default=None)

    @property
    def best_checkpoint(self) -> Path | None:
        """The checkpoint of the best validation, None if there is none.

        mmengine's `save_best` names it by the step. In a training by epochs
        it is named by the epoch, which the log of validations lacks, so that
        the newest such file is returned.
        """
        if self.best is None:
            return None
        step = int(self.best['step'])
        name = self.work_dir / f'best_{self.measure}_iter_{step}.pth'
        if name.is_file():
            return name
        found = self.work_dir.glob(f'best_{self.measure}_epoch_*.pth')
        return max(found, key=lambda path: path.stat().st_mtime, default=None)


def read_run(work_dir: Path) -> Run:
    """Returns the run in a work_dir of tools/train.py.

    Raises:
        FileNotFoundError: the folder has no logs of a training.
    """
    starts = [path.parent for path in work_dir.glob('*/vis_data/scalars.json')]
    starts = [start for start in sorted(starts) if _is_training(start)]
    if not starts:
        raise FileNotFoundError(
            f'{work_dir} holds no logs of a training '
            '(*/vis_data/scalars.json with training steps, and config.py); '
            'give the work_dir of tools/train.py.'
        )
    cfg = Config.fromfile(starts[-1] / 'config.py')
    train, val, class_iou = [], [], {}
    for start in starts:
        lines = read_scalars(start)
        first = lines[0]['step']
        if not Config.fromfile(start / 'config.py').get('resume'):
            first = 0
        # A resumed run repeats steps after its checkpoint.
        train = [line for line in train if line['step'] < first]
        val = [line for line in val if line['step'] < first]
        validated = []
        for line in lines:
            if 'loss' in line:
                train.append(line)
                continue
            # By default mmengine counts validations in epochs, and a
            # training by iterations has no epochs.
            done = train[-1]['step'] if train else 0
            validated.append(dict(line, step=max(line['step'], done)))
        val += validated
        class_iou = {s: iou for s, iou in class_iou.items() if s < first}
        class_iou.update(_read_class_iou(start, validated))
    store = _find_store(work_dir, cfg)
    latest = latest_checkpoint(work_dir)
    checkpoint = latest if latest and latest.is_file() else None
    return Run(
        work_dir=work_dir,
        cfg=cfg,
        train=train,
        val=val,
        class_iou=class_iou,
        store=store,
        rounds=_find_rounds(store, _done(train, val)) if store else {},
        checkpoint=checkpoint,
    )


def read_scalars(start: Path) -> list[dict[str, float]]:
    """Returns the scalars by name, with the step, for each line of a log.

    A killed run may leave a truncated last line, which is skipped. `start` is
    the vis_data folder of one start of a run.
    """
    lines = []
    for text in (start / 'scalars.json').read_text().splitlines():
        with suppress(json.JSONDecodeError):
            lines.append(json.loads(text))
    return [line for line in lines if 'step' in line]


def _done(train: list[dict[str, float]], val: list[dict[str, float]]) -> int:
    """Returns the iterations done, see `Run.done`."""
    return int(max(line['step'] for line in (*train, *val)))


def _is_training(start: Path) -> bool:
    has_config = (start / 'config.py').is_file()
    return has_config and any('loss' in line for line in read_scalars(start))


def _read_class_iou(
    start: Path, val: list[dict[str, float]]
) -> dict[float, dict[str, float]]:
    """Returns the IoU of each class by the step of the validation."""
    name = start.parent.name
    tables = read_class_tables(start.parent / f'{name}.log')
    matched = match_class_tables(tables, val)
    return {val[index]['step']: table for index, table in matched.items()}


def _find_store(work_dir: Path, cfg: Config) -> PseudoLabelStore | None:
    """Returns the store, if the config uses it."""
    steps = iterate_transforms(cfg.train_dataloader.dataset)
    if not any('LoadPseudoLabel' in transform_names(s) for s in steps):
        return None
    return PseudoLabelStore(work_dir / STORE_NAME)


def _find_rounds(
    store: PseudoLabelStore, steps: int
) -> dict[int, dict[str, Any]]:
    """Returns the manifests of the rounds that the logged steps used."""
    manifests = {number: store.manifest(number) for number in store.rounds()}
    settings = store.settings(0)
    # A run that was resumed from an earlier checkpoint has left later ones,
    # and one that continued with a new round 0 those of other settings.
    return {
        number: manifest
        for number, manifest in manifests.items()
        if manifest.get('iteration', 0) <= steps
        and store.settings(number) == settings
    }
