"""How a config differs from the one that a checkpoint notes."""

from __future__ import annotations

import ast
from typing import Any

from mmengine.config import Config

from mmseg_sesam.io.json_values import diff

# A resumed training takes weights and seed from its checkpoint, and folders
# and processes do not change what it learns.
_WITHOUT_EFFECT = {
    *('init_cfg', 'pretrained', 'checkpoint_path', 'load_from', 'resume'),
    *('randomness', 'work_dir', 'launcher', 'model_wrapper_cfg'),
}


def changed_settings(noted: str, cfg: Config) -> str:
    """Names the settings that differ from those that a checkpoint notes.

    The noted text is read and not run: a checkpoint must not bring code.

    Args:
        noted: `cfg` of the checkpoint's `meta`, as mmengine writes it.
        cfg: of the training that resumes.

    Returns:
        Settings with their values before and now; empty if none differs, or
        a text is no Python: mmengine writes objects by their `repr`.
    """
    try:
        return diff(_settings(noted), _settings(cfg.pretty_text))
    except SyntaxError:
        return ''


def _settings(text: str) -> dict[str, Any]:
    """Returns the settings of a config's text by their names."""
    return {
        part.targets[0].id: _value(part.value)
        for part in ast.parse(text).body
        if isinstance(part, ast.Assign)
        and isinstance(part.targets[0], ast.Name)
        and part.targets[0].id not in _WITHOUT_EFFECT
    }


def _value(node: ast.expr) -> Any:
    """Returns the value of a literal; anything else as it is written."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Call) and len(node.args) == 1:
        # mmengine writes keys that are no names as `dict({0: 'cat'})`.
        return _value(node.args[0])
    if isinstance(node, ast.Call):
        items = [(item.arg, item.value) for item in node.keywords]
    elif isinstance(node, ast.Dict):
        items = [(_literal(k), v) for k, v in zip(node.keys, node.values)]
    else:
        return _literal(node)
    settings = {k: _value(v) for k, v in items if k not in _WITHOUT_EFFECT}
    # A path of weights; a hook of this name has options.
    if not isinstance(settings.get('checkpoint'), dict):
        settings.pop('checkpoint', None)
    return settings


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
