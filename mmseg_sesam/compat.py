"""Repairs for the installed versions of mmcv, mmengine, torch and Python.

No other module of the package asks for their versions. A repair changes
nothing in an installation that does not need it.
"""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import sys
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, NoReturn

import numpy as np
import wrapt

from mmseg_sesam.extras import install_command

if TYPE_CHECKING:
    from mmengine.runner import BaseLoop
    from torch import nn

_OPS = 'mmcv._ext'
_BUILD_MMCV = {
    'mmcv-lite': 'pip install "mmcv>=2.0.1,<2.2"',
    'onedl-mmcv': 'pip install --force-reinstall --no-deps '
    '--no-build-isolation onedl-mmcv',
}
_FRAMEWORKS = ('mmengine', 'mmcv', 'mmseg')
_STATISTICS = ('min', 'max', 'current', 'mean')


def apply() -> None:
    """Makes ``mmseg`` importable and ``resume`` work.

    Each repair runs right after the import of the repaired module: to import
    that module here would take seconds.
    """
    _restore_find_loader()
    wrapt.register_post_import_hook(_find_mmseg_configs, 'mmengine.config')
    wrapt.register_post_import_hook(_stub_missing_ops, 'mmcv')
    wrapt.register_post_import_hook(_delay_timm, 'mmseg.registry')
    for repair in (
        _load_checkpoints_safely,
        _allow_mmengine_checkpoints,
        _load_earlier_batches,
    ):
        wrapt.register_post_import_hook(repair, 'mmengine.runner')


def require_frameworks() -> None:
    """Raises ModuleNotFoundError without mmengine, mmcv or mmseg.

    mmsegmentation and the maintained onedl-mmsegmentation install the same
    modules. A requirement on one would overwrite the other, so each is an
    extra of this package.
    """
    missing = [name for name in _FRAMEWORKS if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f'mmseg_sesam needs MMSegmentation, and {", ".join(missing)} '
            f'{"is" if len(missing) == 1 else "are"} not installed: run '
            f'{install_command("lite")} for mmsegmentation 1.2, or '
            f'{install_command("onedl")} for the maintained '
            'onedl-mmsegmentation, in an environment that has none of the '
            'other.'
        )


def loads_safely() -> bool:
    """Whether torch can load mmengine's checkpoints with `weights_only`."""
    import torch

    return torch.__version__ >= (2, 6)


def swaps_channels(preprocessor: nn.Module) -> bool:
    """Whether a ``SegDataPreProcessor`` reverses the order of channels.

    onedl-mmsegmentation uses mmengine's name of the attribute.
    """
    names = ('channel_conversion', '_channel_conversion')
    return any(getattr(preprocessor, name, False) for name in names)


def _restore_find_loader() -> None:
    """Brings back ``pkgutil.find_loader``, which Python 3.14 removed.

    mmengine 0.10.7 and every mmcv look for mmcv's compiled ops with it.
    """
    if not hasattr(pkgutil, 'find_loader'):
        pkgutil.find_loader = lambda name: getattr(
            find_spec(name), 'loader', None
        )


def _find_mmseg_configs(config: ModuleType) -> None:
    """Makes ``mmseg::`` bases work with onedl-mmsegmentation.

    mmengine looks for a distribution called mmsegmentation, and accepts a
    module of the name in its table as well.
    """
    try:
        metadata.distribution('mmsegmentation')
    except metadata.PackageNotFoundError:
        config.utils.MODULE2PACKAGE['mmseg'] = 'mmseg'


def _stub_missing_ops(mmcv: ModuleType) -> None:
    """Replaces the compiled ops that mmcv-lite lacks by a stub.

    ``mmseg.utils`` imports ``mmcv.ops``, which looks up every compiled op
    though few models call one. With the stub the look-up succeeds and the
    call fails. onedl-mmcv lacks the ops too if pip built it without torch,
    its default.
    """
    if _OPS not in sys.modules and find_spec(_OPS) is None:
        stub = ModuleType(_OPS, 'Names of the ops that mmcv-lite lacks.')
        # Without a loader, mmcv.ops.check_ops_exist() still returns False.
        stub.__spec__ = ModuleSpec(_OPS, loader=None)
        stub.__getattr__ = _missing_op
        sys.modules[_OPS] = stub


def _missing_op(name: str) -> Callable[..., NoReturn]:
    # Python probes modules for dunder names such as __path__.
    if name.startswith('__'):
        raise AttributeError(f'module {_OPS!r} has no attribute {name!r}')

    def missing_op(*args, **kwargs) -> NoReturn:
        raise RuntimeError(
            f'The op {name!r} was called, but the installed {_mmcv()} has '
            'no compiled ops: build the full mmcv with '
            f'`{_BUILD_MMCV[_mmcv()]}`, or choose a head or a loss that '
            'needs none.'
        )

    return missing_op


def _delay_timm(registries: ModuleType) -> None:
    """Lets ``mmseg.models`` import timm without loading it.

    Only one of mmseg's backbones needs timm; with torchvision, which timm
    imports, it takes 3 s of every start. The first use loads it. Python's
    own lazy modules do not help: a second ``import`` loads them.
    """
    if 'timm' in sys.modules or find_spec('timm') is None:
        return
    stand_in = ModuleType('timm', 'Loads timm when it is used.')
    stand_in.__spec__ = ModuleSpec('timm', loader=None)

    def load(name: str) -> Any:
        # Python probes modules for names such as __file__; an import of a
        # part of timm asks for __path__ first.
        if name.startswith('__') and name != '__path__':
            raise AttributeError(f"module 'timm' has no attribute {name!r}")
        if sys.modules.get('timm') is stand_in:
            del sys.modules['timm']
        return getattr(importlib.import_module('timm'), name)

    stand_in.__getattr__ = load
    sys.modules['timm'] = stand_in


def _mmcv() -> str:
    """Returns the distribution of the installed mmcv without ops."""
    import mmcv
    from mmengine.utils import digit_version

    # mmseg 1.2 refuses mmcv 2.2, and onedl-mmcv begins at 2.3.
    new = digit_version(mmcv.__version__) >= digit_version('2.3')
    return 'onedl-mmcv' if new else 'mmcv-lite'


def _load_checkpoints_safely(runner: ModuleType) -> None:
    """Makes mmengine load every checkpoint with ``weights_only=True``.

    onedl-mmengine allows the real ``getattr``, removes the globals allowed
    here, and retries with ``weights_only=False`` after a warning. The loader
    of addresses passes torch.hub's default, which is ``False``.
    """
    import torch

    def load(
        file: str | BinaryIO,
        map_location: Any = None,
        weights_only: bool | None = None,
    ) -> Any:
        # None is torch's default, True since torch 2.6.
        return torch.load(
            file, map_location=map_location, weights_only=weights_only
        )

    if hasattr(runner.checkpoint, '_safe_torch_load'):
        runner.checkpoint._safe_torch_load = load
    if loads_safely():
        runner.checkpoint.load_url = partial(
            torch.hub.load_state_dict_from_url, weights_only=True
        )


def _allow_mmengine_checkpoints(runner: ModuleType) -> None:
    """Lets ``torch.load(weights_only=True)`` read mmengine's checkpoints.

    mmengine relies on torch's default, which is True since torch 2.6. The
    message hub in a checkpoint holds ``HistoryBuffer`` objects, which hold
    numpy arrays and pickle their methods as ``getattr(HistoryBuffer,
    'mean')``.
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
    # numpy 2 renamed its core; checkpoints come from both versions.
    for core in ('numpy.core', 'numpy._core'):
        allowed.append((reconstruct, f'{core}.multiarray._reconstruct'))
        allowed.append((scalar, f'{core}.multiarray.scalar'))
    allowed.append((_statistics_method, 'builtins.getattr'))
    torch.serialization.add_safe_globals(allowed)


def _load_earlier_batches(runner: ModuleType) -> None:
    """Makes a resumed run load the batches of the steps before.

    onedl-mmengine advances the sampler alone. The generators of random
    numbers would stay behind, so that transforms draw other crops than in
    an undisturbed run.
    """
    iterator = runner.loops._InfiniteDataloaderIterator

    def skip_iter(self: Iterator[Any], num_iters: int) -> None:
        for _ in range(num_iters):
            next(self)

    if hasattr(iterator, 'skip_iter'):
        iterator.skip_iter = skip_iter


def _statistics_method(owner: object, name: str) -> Callable:
    """Replaces ``getattr`` in a checkpoint.

    With the real ``getattr`` a crafted file reaches ``builtins`` from any
    allowed object, and then ``eval``.
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
    """Drops the batches that workers have loaded ahead, before training.

    An iteration-based loop starts its workers when it is built, before any
    hook is called and before a run is resumed.
    """
    loader = loop.dataloader
    if not loader.num_workers or not hasattr(loop, 'dataloader_iterator'):
        return
    from mmengine.dataset import InfiniteSampler

    # The end of an iterator also ends its sampler's generator.
    if isinstance(loader.sampler, InfiniteSampler):
        loader.sampler.indices = loader.sampler._indices_of_rank()
    # Persistent workers would go on with the data set that they have.
    loader._iterator = None
    loop.dataloader_iterator = type(loop.dataloader_iterator)(loader)
