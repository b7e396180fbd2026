"""The settings of a run that the report lists."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mmseg_sesam.config_checks.training import hook_option, round_hooks
from mmseg_sesam.report.run import Run

# Name on the page -> where the config holds it.
_PLACES = {
    'model': 'model.type',
    'backbone': 'model.backbone.type',
    'decode head': 'model.decode_head.type',
    'teacher': 'model.teacher',
    'EMA momentum': 'model.ema_momentum',
    'teacher’s threshold': 'model.confident_threshold',
    'label sources': 'model.sources',
    'regularizers': 'model.regularizers',
    'optimizer': 'optim_wrapper.optimizer',
    'batch size': 'train_dataloader.batch_size',
    'iterations': 'train_cfg.max_iters',
    'seed': 'randomness.seed',
    'training data': 'train_dataloader.dataset.data_root',
}
_HOOK = ('begin', 'interval', 'max_rounds', 'enrich_threshold')


def list_settings(run: Run) -> dict[str, str]:
    """Returns the main settings of a run, as text by name.

    Options of the generator come from the first round's manifest, which has
    the defaults too.
    """
    settings = {
        name: _text(value)
        for name, place in _PLACES.items()
        if (value := _look_up(run.cfg, place)) is not None
    }
    for hook in round_hooks(run.cfg):
        given = {name: hook[name] for name in _HOOK if name in hook}
        made = all(hook_option(hook, n) for n in ('enabled', 'max_rounds'))
        settings['refreshes'] = _text(given) if made else 'none'
    if run.rounds:
        first = run.rounds[min(run.rounds)]
        options = first['identity']['settings']['generator']
        settings.update(
            ('generator' if name == 'type' else name, _text(value))
            for name, value in options.items()
        )
    return {name.replace('_', ' '): text for name, text in settings.items()}


def _look_up(cfg: Any, place: str) -> Any:
    for name in place.split('.'):
        cfg = cfg.get(name) if isinstance(cfg, (dict, Config)) else None
    return cfg


def _text(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    parts = dict(value)
    head = [str(parts.pop('type'))] if 'type' in parts else []
    return ', '.join([*head, *(f'{n}={v}' for n, v in parts.items())])
