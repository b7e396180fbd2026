"""Quirks of the installed mmcv, mmengine and torch.

Nothing else in the package asks which of their versions is there. The
repairs leave an installation that does not need them untouched.
"""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, NoReturn

import numpy as np
import wrapt

if TYPE_CHECKING:
    from mmengine.runner import BaseLoop

_OPS = 'mmcv._ext'
_STATISTICS = ('min', 'max', 'current', 'mean')


def apply() -> None:
    """Makes ``mmseg`` importable and ``resume`` work.

    Each repair is done right after the import of what it repairs, since
    importing that here takes seconds.
    """
    wrapt.register_post_import_hook(_stub_missing_ops, 'mmcv')
    wrapt.register_post_import_hook(_delay_timm, 'mmseg.registry')
    wrapt.register_post_import_hook(
        _allow_mmengine_checkpoints, 'mmengine.runner'
    )


def require_frameworks() -> None:
    """Raises if what components are built on is not installed.

    Raises:
        ModuleNotFoundError: neither mmcv nor mmcv-lite is installed.
    """
    try:
        import mmcv  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'mmseg_sesam needs mmcv and none is installed: run '
            '`pip install "mmcv-lite>=2.0.1,<2.2"`, or build the full mmcv '
            'of the same versions.'
        ) from error


def loads_safely() -> bool:
    """Whether torch can be told which of mmengine's records are harmless."""
    import torch

    return torch.__version__ >= (2, 6)


def _stub_missing_ops(mmcv: ModuleType) -> None:
    """Stand in for the compiled ops that mmcv-lite lacks.

    ``mmseg.utils`` imports ``mmcv.ops``, which looks up every compiled op
    though few models call one. With the stub the look-up succeeds and the
    call fails.
    """
    if _OPS in sys.modules:
        return
    compiled = importlib.util.find_spec(_OPS)
    if compiled is None:
        stub = ModuleType(_OPS, 'Names of the ops that mmcv-lite lacks.')
        # No loader: mmcv.ops.check_ops_exist() goes on answering False.
        stub.__spec__ = ModuleSpec(_OPS, loader=None)
        stub.__getattr__ = _missing_op
        sys.modules[_OPS] = stub


def _missing_op(name: str) -> Callable[..., NoReturn]:
    # Python itself probes a module for dunder names such as __path__.
    if name.startswith('__'):
        raise AttributeError(f'module {_OPS!r} has no attribute {name!r}')

    def missing_op(*args, **kwargs) -> NoReturn:
        raise RuntimeError(
            f'The op {name!r} was called, but the installed mmcv-lite has '
            'no compiled ops: build the full mmcv with '
            '`pip install "mmcv>=2.0.1,<2.2"`, or choose a head or a loss '
            'that needs none.'
        )

    return missing_op


def _delay_timm(registries: ModuleType) -> None:
    """Lets ``mmseg.models`` import timm without loading it.

    One of mmseg's backbones needs it; with torchvision, which it imports,
    it takes 3 s of every start. It is loaded when it is used. Python's own
    lazy modules do not serve here: a second ``import`` loads them.
    """
    if 'timm' in sys.modules or importlib.util.find_spec('timm') is None:
        return
    stand_in = ModuleType('timm', 'Loads timm when it is used.')
    stand_in.__spec__ = ModuleSpec('timm', loader=None)

    def load(name: str) -> Any:
        if sys.modules.get('timm') is stand_in:
            del sys.modules['timm']
        return getattr(importlib.import_module('timm'), name)

    stand_in.__getattr__ = load
    sys.modules['timm'] = stand_in


def _allow_mmengine_checkpoints(runner: ModuleType) -> None:
    """Let ``torch.load(weights_only=True)`` read mmengine's checkpoints.

    Since torch 2.6 that is the default, and mmengine relies on the default.
    The message hub in a checkpoint holds ``HistoryBuffer`` objects, which
    hold numpy arrays and pickle their methods as
    ``getattr(HistoryBuffer, 'mean')``.
    """
    if not loads_safely():
        return
    import torch
    from mmengine.logging import HistoryBuffer

    codes = '?' + np.typecodes['AllInteger'] + np.typecodes['Float']
    reconstruct = np.empty(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    allowed = [HistoryBuffer, np.ndarray, np.dtype]
    allowed += {type(np.dtype(code)) for code in codes}
    # numpy 2 renamed its core; a checkpoint may come from either side.
    for core in ('numpy.core', 'numpy._core'):
        allowed.append((reconstruct, f'{core}.multiarray._reconstruct'))
        allowed.append((scalar, f'{core}.multiarray.scalar'))
    allowed.append((_statistics_method, 'builtins.getattr'))
    torch.serialization.add_safe_globals(allowed)


def _statistics_method(owner: object, name: str) -> Callable:
    """Stand in for ``getattr`` in a checkpoint.

    The real one would lead a crafted file from any allowed object to
    ``builtins``, and from there to ``eval``.
    """
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in _STATISTICS:
        raise pickle.UnpicklingError(
            f'The checkpoint asks for getattr({owner!r}, {name!r}), but only '
            f'the methods {_STATISTICS} of HistoryBuffer may be reached: do '
            'not load this file unless you trust its source.'
        )
    return getattr(HistoryBuffer, name)


def restart_loading(loop: BaseLoop) -> None:
    """Drops what loader workers have loaded ahead.

    An iteration-based loop starts them when it is made, before any hook is
    called and a run is resumed. Without workers nothing is loaded ahead.

    Args:
        loop: that trains and has not begun to.
    """
    loader = loop.dataloader
    if not loader.num_workers or not hasattr(loop, 'dataloader_iterator'):
        return
    from mmengine.dataset import InfiniteSampler

    # The end of an iterator is the end of its sampler's generator too.
    if isinstance(loader.sampler, InfiniteSampler):
        loader.sampler.indices = loader.sampler._indices_of_rank()
    loop.dataloader_iterator = type(loop.dataloader_iterator)(loader)
