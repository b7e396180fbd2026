"""Repairs of mmseg's imports, and safe loading of checkpoints."""

from __future__ import annotations

import functools
import io
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import mmcv
import mmseg
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.model import ImgDataPreprocessor
from mmengine.runner import CheckpointLoader, Runner
from mmseg.models import SegDataPreProcessor
from torch import nn
from torch.utils.data import DataLoader

from mmseg_sesam import compat
from mmseg_sesam.cli import launch

weights_only = pytest.mark.skipif(
    torch.__version__ < (2, 6), reason='torch.load is not weights_only'
)
ONEDL = not mmseg.__version__.startswith('1.2.')
HAS_OPS = find_spec(f'{mmcv.__name__}._ext').loader is not None


def python(code: str, *args: str | Path) -> subprocess.CompletedProcess:
    """Runs code in a fresh process."""
    return subprocess.run(
        [sys.executable, '-c', code, *map(str, args)],
        capture_output=True,
        text=True,
    )


def test_apply_makes_mmseg_importable():
    """One process, since each import of mmseg takes seconds."""
    done = python(
        'import pkgutil\n'
        'vars(pkgutil).pop("find_loader", None)\n'
        'import mmseg_sesam\n'
        'assert pkgutil.find_loader("json")\n'
        'assert pkgutil.find_loader("no_such_module") is None\n'
        'import mmseg.models, mmseg.utils, torch\n'
        'from mmcv.ops import nms\n'
        'from mmcv.utils.ext_loader import check_ops_exist\n'
        'print(check_ops_exist())\n'
        'if not check_ops_exist():\n'
        '    nms(torch.zeros(1, 4), torch.zeros(1), 0.5)\n'
    )
    assert done.stdout.splitlines()[-1] == str(HAS_OPS), done.stderr
    if HAS_OPS:
        return
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("RuntimeError: The op 'nms' was called")
    if ONEDL:
        assert 'the installed onedl-mmcv' in error
        assert '--no-build-isolation onedl-mmcv`' in error
    else:
        assert 'the installed mmcv-lite' in error
        assert 'pip install "mmcv' in error


def test_apply_keeps_compiled_ops(tmp_path: Path):
    (tmp_path / '_ext.py').write_text(
        'def __getattr__(name):\n'
        '    if name.startswith("__"):\n'
        '        raise AttributeError(name)\n'
        '    return lambda *args, **kwargs: "compiled " + name\n'
    )
    stub_is_needed = not (HAS_OPS or ONEDL)
    done = python(
        'import sys, mmcv\n'
        f'if {stub_is_needed}:\n'
        '    try:\n'
        '        import mmseg.utils\n'
        '    except ModuleNotFoundError as error:\n'
        '        assert error.name == "mmcv._ext"\n'
        'mmcv.__path__.insert(0, sys.argv[1])\n'
        'import mmseg_sesam, mmcv.ops\n'
        'import mmcv._ext\n'
        'print(mmcv._ext.__file__, mmcv._ext.nms())\n',
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split('\n')[-2] == f'{tmp_path}/_ext.py compiled nms'


@pytest.mark.parametrize(
    ('missing', 'text'),
    [
        (['mmcv'], 'mmcv is not installed'),
        (
            ['mmengine', 'mmcv', 'mmseg'],
            'mmengine, mmcv, mmseg are not installed',
        ),
    ],
)
def test_require_frameworks_names_missing_ones(
    monkeypatch: pytest.MonkeyPatch, missing: list[str], text: str
):
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError) as error:
        compat.require_frameworks()
    text = f'mmseg_sesam needs MMSegmentation, and {text}: '
    assert str(error.value).startswith(text)
    for extra in ('lite', 'onedl'):
        assert f'pip install -e ".[{extra}]"' in str(error.value)


def test_apply_finds_bases_of_mmseg(tmp_path: Path):
    path = tmp_path / 'config.py'
    path.write_text("_base_ = 'mmseg::_base_/models/fcn_r50-d8.py'\n")
    assert Config.fromfile(path).model.decode_head.type == 'FCNHead'


@pytest.mark.parametrize('swaps', [True, False])
@pytest.mark.parametrize(
    # onedl-mmsegmentation's class has the attributes of mmengine's.
    'kind',
    [SegDataPreProcessor, ImgDataPreprocessor],
)
def test_swaps_channels_of_either_line(kind: type[nn.Module], swaps: bool):
    assert compat.swaps_channels(kind(bgr_to_rgb=swaps)) is swaps


class Regressor(nn.Module):
    """The smallest model a Runner trains."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor, mode: str) -> torch.Tensor:
        return self.linear(x)

    def train_step(self, data, optim_wrapper):
        loss = self(torch.stack(list(data)), 'tensor').square().mean()
        optim_wrapper.update_params(loss)
        return {'loss': loss}


def make_runner(work_dir: Path, max_iters: int, **kwargs) -> Runner:
    torch.manual_seed(0)
    return Runner(
        model=Regressor(),
        work_dir=str(work_dir),
        train_dataloader=DataLoader(
            torch.arange(8.0).reshape(4, 2) / 8, batch_size=2, collate_fn=list
        ),
        train_cfg=dict(
            type='IterBasedTrainLoop',
            max_iters=max_iters,
            val_interval=100,
        ),
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
        ),
        param_scheduler=dict(type='PolyLR', end=8, by_epoch=False),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
            logger=dict(type='LoggerHook', interval=1),
        ),
        log_processor=dict(by_epoch=False, window_size=2),
        **kwargs,
    )


def test_apply_lets_a_run_resume(tmp_path: Path):
    whole = make_runner(tmp_path / 'whole', 4, experiment_name='whole')
    whole.train()
    make_runner(tmp_path / 'part', 2, experiment_name='part').train()
    resumed = make_runner(
        tmp_path / 'part',
        4,
        experiment_name='resumed',
        load_from=str(tmp_path / 'part' / 'iter_2.pth'),
        resume=True,
    )
    resumed.train()

    losses = resumed.message_hub.get_scalar('train/loss')
    assert len(losses.data[0]) == 4
    assert losses.statistics('mean') == pytest.approx(
        whole.message_hub.get_scalar('train/loss').mean()
    )
    torch.testing.assert_close(
        resumed.model.state_dict(), whole.model.state_dict()
    )
    resumed_state, whole_state = (
        runner.optim_wrapper.state_dict() for runner in (resumed, whole)
    )
    assert resumed_state['param_groups'] == whole_state['param_groups']
    torch.testing.assert_close(resumed_state['state'], whole_state['state'])


@pytest.mark.parametrize('damaged', [False, True])
def test_check_checkpoint_older_torch_reads_checksums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
):
    monkeypatch.setattr(launch, 'loads_safely', lambda: False)
    path = tmp_path / 'iter_1.pth'
    torch.save({'hub': Call(eval, '1 + 1')}, path)
    if damaged:
        content = bytearray(path.read_bytes())
        content[content.index(b'hub')] ^= 1
        path.write_bytes(content)
    with pytest.raises(ValueError) if damaged else nullcontext():
        launch.check_checkpoint(str(path))


@weights_only
@pytest.mark.parametrize(
    'scalar',
    [np.float64(0.5), np.float32(0.5), np.int64(7), np.bool_(True)],
    ids=lambda scalar: scalar.dtype.name,
)
def test_load_numpy_scalars_of_a_checkpoint(tmp_path: Path, scalar):
    torch.save({'best_score': scalar}, tmp_path / 'scalar.pth')
    loaded = torch.load(tmp_path / 'scalar.pth')
    assert loaded['best_score'] == scalar
    assert loaded['best_score'].dtype == scalar.dtype


class Call:
    """Pickles as a call of ``function`` with ``args``."""

    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


@weights_only
@pytest.mark.parametrize(
    'attack',
    [
        Call(eval, '1 + 1'),
        Call(__import__('os').system, 'true'),
        Call(getattr, HistoryBuffer, '__init__'),
        Call(getattr, HistoryBuffer, '__class__'),
        Call(getattr, HistoryBuffer, 'register_statistics'),
        Call(getattr, torch.Tensor, 'numpy'),
        Call(getattr, Call(getattr, HistoryBuffer, 'mean'), '__globals__'),
        Call(HistoryBuffer.mean, HistoryBuffer([1], [1])),
    ],
    ids=[
        'eval',
        'os.system',
        '__init__',
        '__class__',
        'register_statistics',
        'method of another class',
        '__globals__ of an allowed method',
        'call of an allowed method',
    ],
)
def test_load_refuses_a_crafted_checkpoint(tmp_path: Path, attack: Call):
    path = tmp_path / 'crafted.pth'
    torch.save({'state_dict': {}, 'message_hub': attack}, path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path)


@weights_only
def test_load_without_weights_only_runs_code():
    file = io.BytesIO()
    torch.save(Call(eval, '40 + 2'), file)
    file.seek(0)
    assert torch.load(file, weights_only=False) == 42


class Touch:
    """Pickles as code that writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return exec, (f'open({str(self.path)!r}, "w").close()',)


@pytest.fixture
def crafted(tmp_path: Path) -> Path:
    """A checkpoint that writes the file `ran` beside it when unpickled."""
    path = tmp_path / 'crafted.pth'
    torch.save({'state_dict': {}, 'meta': Touch(tmp_path / 'ran')}, path)
    return path


@pytest.fixture
def address(crafted: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address of the crafted checkpoint, on this machine."""
    monkeypatch.setenv('TORCH_HOME', str(crafted.parent / 'cache'))
    handler = functools.partial(
        SimpleHTTPRequestHandler, directory=str(crafted.parent)
    )
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/{crafted.name}'
        server.shutdown()


@weights_only
def test_load_checkpoint_crafted_file_runs_no_code(crafted: Path):
    with pytest.raises(pickle.UnpicklingError):
        CheckpointLoader.load_checkpoint(str(crafted), 'cpu')
    assert not (crafted.parent / 'ran').exists()

    torch.load(crafted, weights_only=False)
    assert (crafted.parent / 'ran').exists()


@weights_only
def test_load_checkpoint_crafted_address_runs_no_code(
    crafted: Path, address: str
):
    with pytest.raises(pickle.UnpicklingError):
        CheckpointLoader.load_checkpoint(address, 'cpu')
    assert not (crafted.parent / 'ran').exists()


@weights_only
def test_load_checkpoint_after_a_refused_file(crafted: Path, tmp_path: Path):
    """Neither line removes the allowed globals or allows the real getattr."""
    history = HistoryBuffer([0.5, 1.5], [1, 1])
    torch.save({'hub': history, 'n': np.int64(3)}, tmp_path / 'good.pth')
    for _ in range(2):
        loaded = CheckpointLoader.load_checkpoint(
            str(tmp_path / 'good.pth'), 'cpu'
        )
        assert loaded['hub'].mean() == 1
        with pytest.raises(pickle.UnpicklingError):
            CheckpointLoader.load_checkpoint(str(crafted), 'cpu')

    attack = Call(getattr, HistoryBuffer, '__init__')
    torch.save({'hub': attack}, tmp_path / 'attack.pth')
    with pytest.raises(pickle.UnpicklingError):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'attack.pth'), 'cpu')
