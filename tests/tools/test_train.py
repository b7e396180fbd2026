"""Training from the command line."""

from __future__ import annotations

import os
import re
import runpy
import sys
from pathlib import Path

import mmseg
import pytest
from mmengine.config import Config
from mmengine.optim import OptimWrapper

from mmseg_sesam.cli import launch
from mmseg_sesam.compat import loads_safely
from mmseg_sesam.store.store import PseudoLabelStore


@pytest.fixture(params=['ours', 'stock'])
def train_tool(request: pytest.FixtureRequest, project_root: Path) -> Path:
    if request.param == 'stock':
        return Path(mmseg.__file__).parent / '.mim/tools/train.py'
    return project_root / 'tools/train.py'


def iterations(log: str) -> list[int]:
    return [int(i) for i in re.findall(r'Iter\(train\) \[(\d+)/', log)]


def test_train_runs_and_resumes(
    run_again, tiny_config: Path, train_tool: Path, project_root: Path
):
    work_dir = tiny_config.parent / 'run'
    command = [train_tool, tiny_config, '--work-dir', work_dir]
    first = run_again(*command)
    assert first.returncode == 0, first.stdout
    assert iterations(first.stdout) == [1, 2]
    second = run_again(
        *command, '--resume', '--cfg-options', 'train_cfg.max_iters=4'
    )
    assert second.returncode == 0, second.stdout
    assert iterations(second.stdout) == [3, 4]
    assert (work_dir / 'iter_4.pth').is_file()
    said = re.findall('Settings differ.*: (.*)\\. The', second.stdout)
    is_ours = train_tool == project_root / 'tools/train.py'
    expected = ['train_cfg.max_iters was 2 and is 4']
    # Older versions of torch read no notes of a checkpoint safely.
    assert said == expected * (is_ours and loads_safely())


@pytest.mark.skipif(not loads_safely(), reason='torch before 2.6')
def test_train_without_a_seed_resumes_with_the_images_of_the_whole_run(
    run_again, tiny_config: Path, project_root: Path
):
    def losses(*words: object) -> list[str]:
        command = (project_root / 'tools/train.py', tiny_config)
        done = run_again(
            *(*command, '--work-dir', tiny_config.parent / 'run', *words),
            *(
                '--cfg-options',
                'train_cfg.max_iters=6',
                'optim_wrapper.optimizer.lr=1',
            ),
        )
        assert done.returncode == 0, done.stdout
        return re.findall(r'decode.loss_ce: (\S+)', done.stdout)

    whole = losses()
    resumed = losses('--resume', tiny_config.parent / 'run/iter_2.pth')
    assert resumed == whole[2:]
    assert len(set(whole)) > 3


@pytest.mark.parametrize(
    'imports', [pytest.param(True, marks=pytest.mark.slow), False]
)
def test_train_prints_little_and_logs_all(
    run, run_again, tiny_config: Path, project_root: Path, imports: bool
):
    """So do the imports of a new process."""
    work_dir = tiny_config.parent / 'run'
    tool = project_root / 'tools/train.py'
    words = (tool, tiny_config, '--work-dir', work_dir)
    done = run(sys.executable, *words) if imports else run_again(*words)
    assert done.returncode == 0, done.stdout
    before_the_first_step = done.stdout.split('Iter(train)')[0]
    assert before_the_first_step.count('\n') < 10, done.stdout
    assert 'Warning' not in done.stdout
    log = next(work_dir.glob('*/*.log')).read_text()
    for text in ('Config:', 'Hooks will be executed', 'System environment'):
        assert text in log
        assert text not in done.stdout


@pytest.mark.slow
def test_dist_train_on_two_processes_without_a_gpu(
    run,
    tiny_config: Path,
    project_root: Path,
    free_port: str,
    at_exit: dict[str, str],
):
    # One launcher argument with a space, to see that words stay whole.
    work_dir = tiny_config.parent / 'two ranks'
    done = run(
        project_root / 'tools/dist_train.sh',
        tiny_config,
        2,
        '--work-dir',
        work_dir,
        '--cfg-options',
        'default_hooks.pictures.type=SeSAMVisualizationHook',
        PYTHON=sys.executable,
        PORT=free_port,
        **at_exit,
    )
    assert done.returncode == 0, done.stdout
    assert iterations(done.stdout) == [1, 2]
    assert (work_dir / 'iter_2.pth').is_file()
    assert 'still connected' not in done.stdout
    # One process draws, and tells where everything is.
    drawn = sorted(path.name for path in work_dir.glob('*/vis_data/*/train*'))
    assert drawn == [
        f'train_{i}_{i}_{s}.png' for i in range(4) for s in (0, 2)
    ]
    assert done.stdout.count('Trained for 2 iterations') == 1
    assert f'python tools/report.py {work_dir}' in done.stdout


def test_slurm_train_passes_its_words_on(
    run, tmp_path: Path, project_root: Path
):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    done = run(
        project_root / 'tools/slurm_train.sh',
        'part; false',
        'a job',
        'my config.py',
        '--cfg-options',
        'key="[1, 2]"',
        PATH=f'{tmp_path}:{os.environ["PATH"]}',
        SRUN_ARGS='--quiet --exclusive',
        GPUS='8',
    )
    assert done.returncode == 0, done.stdout
    words = done.stdout.splitlines()
    assert words[:2] == ['--partition=part; false', '--job-name=a job']
    assert {'--ntasks=8', '--quiet', '--exclusive'} < set(words)
    tool = f'{project_root}/tools/train.py'
    assert words[words.index(tool) :] == [
        tool,
        'my config.py',
        '--launcher',
        'slurm',
        '--cfg-options',
        'key="[1, 2]"',
    ]


def test_add_safeguards_adds_hooks(tiny_config: Path):
    cfg = Config.fromfile(tiny_config)
    cfg.default_hooks.step_seed = None
    launch.add_safeguards(cfg)
    hooks = cfg.default_hooks
    assert hooks.checkpoint == dict(
        type='AtomicCheckpointHook', by_epoch=False, interval=2
    )
    assert hooks.non_finite_loss.type == 'NonFiniteLossHook'
    assert hooks.step_seed is None


@pytest.mark.parametrize(
    'config', [{}, dict(default_hooks=None), dict(default_hooks={})]
)
def test_add_safeguards_to_a_config_without_hooks(config: dict):
    cfg = Config(config)
    launch.add_safeguards(cfg)
    assert {hook.type for hook in cfg.default_hooks.values()} == {
        'AtomicCheckpointHook',
        'StepSeedHook',
        'MissedValidationHook',
        'NonFiniteLossHook',
    }
    assert cfg.default_hooks.checkpoint.interval == 1


@pytest.mark.parametrize(
    'options',
    [
        dict(backend_args=dict(backend='petrel')),
        dict(file_client_args=dict(backend='petrel')),
        dict(out_dir='s3://bucket/checkpoints'),
    ],
    ids=['backend', 'client', 'prefix'],
)
def test_add_safeguards_leaves_object_stores_to_mmengine(
    tiny_config: Path, options: dict
):
    cfg = Config.fromfile(tiny_config)
    cfg.default_hooks.checkpoint.update(options)
    launch.add_safeguards(cfg)
    assert cfg.default_hooks.checkpoint.type == 'CheckpointHook'


@pytest.mark.parametrize(
    ('launcher', 'name'),
    [('slurm', 'SLURM_PROCID'), ('mpi', 'OMPI_COMM_WORLD_RANK')],
)
def test_lock_work_dir_in_one_process_of_many(
    tiny_config: Path, monkeypatch, launcher: str, name: str
):
    cfg = Config.fromfile(tiny_config)
    cfg.work_dir, cfg.launcher = str(tiny_config.parent / 'run'), launcher
    monkeypatch.setenv(name, '0')
    with launch.lock_work_dir(cfg):
        monkeypatch.setenv(name, '3')
        with launch.lock_work_dir(cfg):
            pass
        monkeypatch.setenv(name, '0')
        with pytest.raises(ValueError, match='in use by another run'):
            launch.lock_work_dir(cfg)


@pytest.mark.parametrize('kind', [None, 'mmengine.OptimWrapper', OptimWrapper])
def test_set_amp_knows_the_default_optim_wrapper(
    tiny_config: Path, project_root: Path, monkeypatch, kind: str | type | None
):
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cuda')
    set_amp = runpy.run_path(str(project_root / 'tools/train.py'))['set_amp']
    cfg = Config.fromfile(tiny_config)
    del cfg.optim_wrapper['type']
    if kind is not None:
        cfg.optim_wrapper.type = kind
    set_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    cfg.optim_wrapper.type = 'ApexOptimWrapper'
    with pytest.raises(ValueError, match='has ApexOptimWrapper: leave'):
        set_amp(cfg)


def test_train_resumes_a_moved_work_dir(
    run_again, make_config, tmp_path: Path, project_root: Path
):
    cfg = make_config(train_cfg__max_iters=3)
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    cfg.dump(tmp_path / 'config.py')
    command = [project_root / 'tools/train.py', tmp_path / 'config.py']
    first = run_again(*command)
    assert first.returncode == 0, first.stdout
    moved = tmp_path / 'elsewhere/moved'
    moved.parent.mkdir()
    (tmp_path / 'work').rename(moved)

    done = run_again(
        *(*command, '--resume', '--work-dir', moved),
        *('--cfg-options', 'train_cfg.max_iters=5'),
    )

    assert done.returncode == 0, done.stdout
    assert iterations(done.stdout) == [4, 5]
    assert not (tmp_path / 'work').exists()
    assert PseudoLabelStore(moved / 'pseudo_labels').rounds() == [0, 1, 2]
