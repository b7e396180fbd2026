"""A trained student as a plain checkpoint and config of mmseg."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from mmseg.registry import HOOKS, METRICS, MODELS

from mmseg_sesam.compat import loads_safely
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.models import SeSAMEncoderDecoder
from mmseg_sesam.type_names import type_name

# What testing and inference with the result need of a config.
KEPT = (
    'default_scope',
    'env_cfg',
    'test_pipeline',
    'test_dataloader',
    'test_evaluator',
    'test_cfg',
    'tta_model',
    'tta_pipeline',
    'visualizer',
    'vis_backends',
    'default_hooks',
    'log_processor',
    'log_level',
)
TEACHER = 'teacher.'
PACKAGE = __name__.split('.')[0]
# Options that a stock `EncoderDecoder` does not have.
OWN_OPTIONS = set(inspect.signature(SeSAMEncoderDecoder).parameters)


def plain_config(cfg: Config) -> Config:
    """The stock model of a config, and how to test it."""
    model = dict(cfg.model)
    if type_name(model) == 'SeSAMEncoderDecoder':
        model['type'] = 'EncoderDecoder'
        model = {n: v for n, v in model.items() if n not in OWN_OPTIONS}
    preprocessor = model.get('data_preprocessor')
    if preprocessor and type_name(preprocessor) == 'SeSAMDataPreProcessor':
        plain = dict(preprocessor, type='SegDataPreProcessor')
        model['data_preprocessor'] = plain
    # The weights are in the file: none shall be fetched.
    if model['backbone'].get('pretrained'):
        model['backbone'] = dict(model['backbone'], pretrained=None)
    kept = {name: cfg[name] for name in KEPT if name in cfg}
    kept['default_hooks'] = plain_hooks(kept.get('default_hooks') or {})
    if 'test_evaluator' in kept:
        kept['test_evaluator'] = plain_metrics(kept['test_evaluator'])
    imports = (cfg.get('custom_imports') or {}).get('imports', [])
    imports = [imports] if isinstance(imports, str) else imports
    others = [name for name in imports if name.split('.')[0] != PACKAGE]
    if others:
        kept['custom_imports'] = dict(cfg.custom_imports, imports=others)
    return Config(dict(model=model, **kept))


def plain_hooks(hooks: dict) -> dict:
    """The hooks that mmseg has; a checkpoint hook in place of ours."""
    plain = {}
    for name, hook in hooks.items():
        if hook and type_name(hook) == 'AtomicCheckpointHook':
            hook = dict(hook, type='CheckpointHook')
        if not (hook and is_own(HOOKS, hook)):
            plain[name] = hook
    return plain


def plain_metrics(evaluator: dict | list | None) -> list:
    """The metrics that mmseg has."""
    metrics = evaluator if isinstance(evaluator, list) else [evaluator]
    return [one for one in metrics if one and not is_own(METRICS, one)]


def is_own(registry: Registry, config: dict) -> bool:
    """Whether a component is of this package."""
    component = registry.get(type_name(config))
    return component is not None and (
        component.__module__.split('.')[0] == PACKAGE
    )


def student_weights(
    checkpoint: dict, teacher: bool
) -> dict[str, torch.Tensor]:
    """The weights under stock names.

    Raises:
        ValueError: the teacher's are asked for and there are none.
    """
    state = checkpoint.get('state_dict', checkpoint)
    student = {
        name: value
        for name, value in state.items()
        if not name.startswith(TEACHER) and name != '_extra_state'
    }
    if not teacher:
        return student
    averaged = {
        name[len(TEACHER) :]: value
        for name, value in state.items()
        if name.startswith(TEACHER)
    }
    if not averaged:
        raise ValueError(
            'the checkpoint holds no teacher; leave --teacher out, or give '
            "one of a training with teacher='online' or 'round'."
        )
    # It has no auxiliary heads: those remain the student's.
    return {**student, **averaged}


def export(
    config: str, checkpoint_path: str, out: Path, teacher: bool, half: bool
) -> None:
    """Writes a plain checkpoint and, beside it, a plain config.

    Args:
        config: path of the config of the training.
        checkpoint_path: of a checkpoint of the training.
        out: path of the new checkpoint; the config gets the suffix '.py'.
        teacher: take the EMA teacher's weights instead of the student's.
        half: store floating point weights in 16 bits.

    Raises:
        ValueError: config and checkpoint do not fit each other.
    """
    if not loads_safely():
        raise ValueError(
            f'torch {torch.__version__} cannot load {checkpoint_path} without '
            'running code that it may hold; export with torch 2.6 or later.'
        )
    cfg = plain_config(Config.fromfile(config))
    try:
        checkpoint = torch.load(
            checkpoint_path, map_location='cpu', weights_only=True
        )
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        reason = (str(error).splitlines() or ['it ends too early'])[0]
        raise ValueError(
            f'{checkpoint_path} is no checkpoint that can be loaded safely '
            f'({reason}); give one that tools/train.py wrote.'
        ) from error
    weights = student_weights(checkpoint, teacher)
    init_default_scope('mmseg')
    try:
        MODELS.build(cfg.model).load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint_path} does not fit {config}; give the config '
            f'that it was trained with. {error}'
        ) from error
    if half:
        weights = {
            name: value.half() if value.is_floating_point() else value
            for name, value in weights.items()
        }
    meta = checkpoint.get('meta', {})
    kept = {n: meta[n] for n in ('dataset_meta', 'iter') if n in meta}
    # The weights last: whoever sees them finds the config as well.
    out.with_suffix('.py').write_text(cfg.pretty_text)
    with replacing(out) as part, part.open('wb') as file:
        torch.save(dict(meta=kept, state_dict=weights), file)
