"""Exports a trained student as a plain checkpoint and config of mmseg."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs
from mmseg.models import EncoderDecoder, SegDataPreProcessor
from mmseg.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    METRICS,
    MODELS,
    TRANSFORMS,
)

from mmseg_sesam.compat import loads_safely
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.models.checkpoint_file import (
    TEACHER,
    read_checkpoint,
    weights_of,
)
from mmseg_sesam.models.sesam_encoder_decoder import SeSAMEncoderDecoder
from mmseg_sesam.type_names import (
    is_own,
    lineage,
    metrics_of,
    type_name,
    type_names,
)

# Beginnings of the keys of a config that testing and inference need.
_KEPT = ('default_', 'env_cfg', 'log_', 'test_', 'tta_', 'vis')
_REGISTRIES = (DATASETS, DATA_SAMPLERS, HOOKS, METRICS, MODELS, TRANSFORMS)
# Beginnings of keys that a stock `EncoderDecoder` does not have.
_OWN_KEYS = (TEACHER, 'regularizers.', '_extra_state')
# Own class -> the stock class that takes its place.
_STOCK = dict(
    SeSAMEncoderDecoder=EncoderDecoder,
    SeSAMDataPreProcessor=SegDataPreProcessor,
)
# Own step of a pipeline -> the stock step that takes its place; None where
# the network sees the same without it.
_STOCK_STEPS = dict(
    KeepTeacherView=None,
    LoadPseudoLabel=None,
    LoadRGBView=None,
    LoadWeakAnnotations=LoadAnnotations,
    PackSeSAMInputs=PackSegInputs,
)


def export(
    cfg: Config, checkpoint_path: str, out: Path, teacher: bool, half: bool
) -> tuple[list[str], list[str]]:
    """Writes a plain checkpoint and, beside it, a plain config.

    Args:
        cfg: the training's config.
        checkpoint_path: path of a checkpoint of the training.
        out: path of the new checkpoint; the config gets the suffix '.py'.
        teacher: export the EMA teacher's weights instead of the student's.
        half: store floating point weights in 16 bits.

    Returns:
        `own_parts` of the plain config, and `added_modules` of the model,
        whose weights are left out.

    Raises:
        ValueError: config and checkpoint do not fit each other, or loading
            the checkpoint could run code.
    """
    checkpoint = _load(checkpoint_path)
    plain = plain_config(cfg)
    weights = student_weights(checkpoint, teacher)
    init_default_scope('mmseg')
    model = MODELS.build(plain.model)
    added = added_modules(cfg, model, weights)
    weights = {
        name: value
        for name, value in weights.items()
        if name.split('.')[0] not in added
    }
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint_path} does not fit {cfg.filename}; give the config '
            f'that it was trained with. {error}'
        ) from error
    if half:
        weights = {
            name: value.half() if value.is_floating_point() else value
            for name, value in weights.items()
        }
    meta = checkpoint.get('meta') or {}
    kept = {n: meta[n] for n in ('dataset_meta', 'iter') if n in meta}
    # The weights come last: where they exist, the config exists too.
    out.with_suffix('.py').write_text(plain.pretty_text)
    with replacing(out) as part, part.open('wb') as file:
        torch.save(dict(meta=kept, state_dict=weights), file)
    return own_parts(plain), added


def plain_config(cfg: Config) -> Config:
    """Returns the config of the stock model, with what tests need.

    It imports this package only for `own_parts`.
    """
    model = _as_stock(cfg.model)
    if model.get('data_preprocessor'):
        model['data_preprocessor'] = _as_stock(model['data_preprocessor'])
    # The checkpoint holds all weights: the model must not download any.
    if model['backbone'].get('pretrained'):
        model['backbone'] = dict(model['backbone'], pretrained=None)
    kept = {name: cfg[name] for name in cfg if name.startswith(_KEPT)}
    kept = _with_stock_steps(kept)
    kept['default_hooks'] = hooks = dict(kept.get('default_hooks') or {})
    for name, hook in [*hooks.items()]:
        if hook and type_name(hook) == 'AtomicCheckpointHook':
            hooks[name] = dict(hook, type='CheckpointHook')
        elif hook and _is_own(HOOKS, hook):
            del hooks[name]
    if 'test_evaluator' in kept:
        kept['test_evaluator'] = _with_stock_metrics(kept['test_evaluator'])
    imports = (cfg.get('custom_imports') or {}).get('imports', [])
    imports = imports if isinstance(imports, list) else [imports]
    plain = Config(dict(model=model, **kept))
    if not own_parts(plain):
        imports = [n for n in imports if n.split('.')[0] != 'mmseg_sesam']
    if imports:
        plain.custom_imports = dict(cfg.custom_imports, imports=imports)
    return plain


def own_parts(cfg: Config) -> list[str]:
    """Returns the names of this package's classes that a config uses.

    A plain config has those without a stock class for them, such as
    `MappedSegDataset` as data set of the test.
    """
    return sorted(set(_iterate_own(cfg._cfg_dict)))


def added_modules(
    cfg: Config, stock: EncoderDecoder, names: Iterable[str]
) -> list[str]:
    """Returns the modules that a class derived from this package's adds.

    Args:
        cfg: the training's config.
        stock: the model of the plain config.
        names: names of the student's weights.
    """
    if SeSAMEncoderDecoder not in lineage(cfg.model, MODELS)[1:]:
        return []
    known = {name for name, _ in stock.named_children()}
    return sorted({name.split('.')[0] for name in names} - known)


def student_weights(
    checkpoint: dict, teacher: bool
) -> dict[str, torch.Tensor]:
    """Returns the student's or the EMA teacher's weights under stock names.

    The teacher has no auxiliary heads: those remain the student's.
    """
    state = weights_of(checkpoint)
    weights = {n: v for n, v in state.items() if not n.startswith(_OWN_KEYS)}
    if teacher:
        taught = {n: v for n, v in state.items() if n.startswith(TEACHER)}
        if not taught:
            raise ValueError(
                'the checkpoint holds no teacher; leave --teacher out, or '
                "give one of a training with teacher='online' or 'round'."
            )
        weights.update({n[len(TEACHER) :]: v for n, v in taught.items()})
    return weights


def _load(path: str) -> dict:
    if not loads_safely():
        raise ValueError(
            f'torch {torch.__version__} cannot load {path} without running '
            'code that it may hold; export with torch 2.6 or later.'
        )
    return read_checkpoint(path)


def _as_stock(config: dict) -> dict:
    """Returns the config of the stock class, with the options it takes.

    Classes derived from those of this package are replaced too: what they
    add to a training, such as a loss, a trained student does not need.
    """
    for name in type_names(config, MODELS) & set(_STOCK):
        return _replaced(config, _STOCK[name])
    return dict(config)


def _replaced(config: dict, stock: type) -> dict:
    """Returns the config of a stock class, with the options it takes."""
    taken = inspect.signature(stock).parameters
    options = {n: v for n, v in config.items() if n in taken}
    return dict(options, type=stock.__name__)


def _with_stock_metrics(evaluator: dict | list | None) -> dict | list:
    """Returns an evaluator without the metrics of this package."""
    metrics = [m for m in metrics_of(evaluator) if not _is_own(METRICS, m)]
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        # A custom evaluator keeps its class and options.
        return dict(evaluator, metrics=metrics)
    return metrics


def _with_stock_steps(part: Any) -> Any:
    """Returns a part of a config with stock steps in its pipelines."""
    if isinstance(part, (list, tuple)):
        steps = [
            _with_stock_steps(step)
            for step in part
            if not _is_own_step(step) or _STOCK_STEPS[type_name(step)]
        ]
        return type(part)(steps)
    if not isinstance(part, dict):
        return part
    if _is_own_step(part) and _STOCK_STEPS[type_name(part)]:
        part = _replaced(part, _STOCK_STEPS[type_name(part)])
    return {name: _with_stock_steps(value) for name, value in part.items()}


def _is_own_step(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and 'type' in part
        and type_name(part) in _STOCK_STEPS
        and _is_own(TRANSFORMS, part)
    )


def _iterate_own(part: Any) -> Iterator[str]:
    """Yields the name of each class of this package in a config."""
    if isinstance(part, dict):
        if any(_is_own(r, part) for r in _REGISTRIES):
            yield type_name(part)
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        for child in part:
            yield from _iterate_own(child)


def _is_own(registry: Registry, config: dict) -> bool:
    """Whether this package defines a component."""
    kinds = lineage(config, registry)
    return bool(kinds) and is_own(kinds[0])
