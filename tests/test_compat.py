"""Importing on mmcv-lite, and loading mmengine's checkpoints safely."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from mmseg_sesam import launch

weights_only = pytest.mark.skipif(
    torch.__version__ < (2, 6), reason='torch.load is not weights_only'
)
lite = pytest.mark.skipif(
    find_spec('mmcv._ext').loader is not None, reason='mmcv has its ops'
)


def python(code: str, *args: str | Path) -> subprocess.CompletedProcess:
    """Run code in a fresh process."""
    return subprocess.run(
        [sys.executable, '-c', code, *map(str, args)],
        capture_output=True,
        text=True,
    )


@lite
def test_mmseg_imports_on_mmcv_lite_and_a_called_op_says_what_to_do():
    done = python(
        'import mmseg_sesam, mmseg.models, mmseg.utils, torch\n'
        'from mmcv.ops import nms\n'
        'from mmcv.utils.ext_loader import check_ops_exist\n'
        'assert not check_ops_exist()\n'
        'nms(torch.zeros(1, 4), torch.zeros(1), 0.5)\n'
    )
    assert done.returncode == 1
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("RuntimeError: The op 'nms' was called")
    assert 'mmcv-lite' in error
    assert 'pip install "mmcv' in error


@lite
def test_without_the_package_mmseg_does_not_import_on_mmcv_lite():
    done = python('import mmseg.utils')
    assert "No module named 'mmcv._ext'" in done.stderr


def test_compiled_ops_are_left_alone(tmp_path: Path):
    (tmp_path / '_ext.py').write_text(
        'def __getattr__(name):\n'
        '    if name.startswith("__"):\n'
        '        raise AttributeError(name)\n'
        '    return lambda *args, **kwargs: "compiled " + name\n'
    )
    done = python(
        'import sys, mmcv\n'
        'mmcv.__path__.insert(0, sys.argv[1])\n'
        'import mmseg_sesam, mmseg.models\n'
        'import mmcv._ext\n'
        'print(mmcv._ext.__file__, mmcv._ext.nms())\n',
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split('\n')[-2] == f'{tmp_path}/_ext.py compiled nms'


def test_components_without_mmcv_say_in_one_sentence_what_to_install():
    done = python(
        'import sys\nsys.modules["mmcv"] = None\nimport mmseg_sesam.models\n'
    )
    assert done.returncode == 1
    assert 'mmseg_sesam needs mmcv and none is installed' in done.stderr


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


def test_a_run_resumes_where_it_was_saved(tmp_path: Path):
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
def test_an_older_torch_looks_at_checksums_alone(
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
def test_numpy_scalars_of_a_checkpoint_load(tmp_path: Path, scalar):
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
def test_a_crafted_checkpoint_is_refused(tmp_path: Path, attack: Call):
    path = tmp_path / 'crafted.pth'
    torch.save({'state_dict': {}, 'message_hub': attack}, path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path)


@weights_only
def test_the_crafted_checkpoints_would_work_without_weights_only():
    file = io.BytesIO()
    torch.save(Call(eval, '40 + 2'), file)
    file.seek(0)
    assert torch.load(file, weights_only=False) == 42
