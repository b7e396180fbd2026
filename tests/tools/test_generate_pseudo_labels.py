"""The tool makes what training would, on one process or several."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config

from mmseg_sesam.store.store import PseudoLabelStore

TOOLS = Path(__file__).parents[2] / 'tools'
MakeConfig = Callable[..., Config]


def labels(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / 'round_0000/labels').rglob('*.png'))
    }


@pytest.fixture
def config(make_config: MakeConfig, tmp_path: Path) -> Path:
    path = tmp_path / 'config.py'
    cfg = make_config()
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    cfg.dump(path)
    return path


def test_generate_pseudo_labels_on_ranks_equals_one_process(
    run_again,
    run_ranks,
    config: Path,
    tmp_path: Path,
    at_exit: dict[str, str],
) -> None:
    tool = TOOLS / 'generate_pseudo_labels.py'
    single = [tool, config, '--out', tmp_path / 'alone']
    alone = run_again(*single)
    assert alone.returncode == 0, alone.stdout
    together = run_ranks(
        *(tool, config, '--out', tmp_path / 'both', '--launcher', 'pytorch'),
        **at_exit,
    )
    assert together.returncode == 0, together.stdout
    assert 'still connected' not in together.stdout

    made = labels(tmp_path / 'alone')
    assert len(made) == 3
    assert labels(tmp_path / 'both') == made
    summaries = [
        PseudoLabelStore(tmp_path / name).manifest(0)['summary']
        for name in ('alone', 'both')
    ]
    assert summaries[0] == summaries[1]

    made = (tmp_path / 'alone/round_0000/manifest.json').stat()
    assert run_again(*single).returncode == 0
    again = (tmp_path / 'alone/round_0000/manifest.json').stat()
    assert again.st_mtime_ns == made.st_mtime_ns


def test_train_takes_over_a_generated_round(
    run_again, config: Path, tmp_path: Path
) -> None:
    tool = TOOLS / 'generate_pseudo_labels.py'
    for words in ((), ('--out', tmp_path / 'out')):
        done = run_again(tool, config, *words)
        assert done.returncode == 0, done.stdout
    manifest = tmp_path / 'work/pseudo_labels/round_0000/manifest.json'
    made = manifest.stat().st_mtime_ns
    command = [TOOLS / 'train.py', config, '--cfg-options']
    command.append('train_cfg.max_iters=1')

    trained = run_again(*command)
    assert trained.returncode == 0, trained.stdout
    assert manifest.stat().st_mtime_ns == made

    init_from = f'default_hooks.pseudo_labels.init_from={tmp_path / "out"}'
    work_dir = tmp_path / 'second'
    trained = run_again(*command, init_from, '--work-dir', work_dir)
    assert trained.returncode == 0, trained.stdout
    copy = work_dir / 'pseudo_labels/round_0000/manifest.json'
    original = tmp_path / 'out/round_0000/manifest.json'
    assert copy.read_bytes() == original.read_bytes()


def test_generate_pseudo_labels_keeps_rounds_of_a_training(
    run_again, config: Path, tmp_path: Path
) -> None:
    store = PseudoLabelStore(tmp_path / 'out')
    command = [TOOLS / 'generate_pseudo_labels.py', config]
    command += ['--out', store.root]
    assert run_again(*command).returncode == 0
    store.begin(1, {})
    store.commit(1, {})
    done = run_again(*command)
    assert done.returncode == 2
    assert 'start the training again with --resume' in done.stdout
    assert store.current == 1


def test_generate_pseudo_labels_keeps_a_round_of_other_settings(
    run_again, config: Path, tmp_path: Path
) -> None:
    store = PseudoLabelStore(tmp_path / 'out')
    store.begin(0, {})
    store.commit(0, dict(identity=dict(settings=dict(step=1))))
    tool = TOOLS / 'generate_pseudo_labels.py'
    done = run_again(tool, config, '--out', store.root)
    assert done.returncode == 2
    assert 'step was 1 and is (not there)' in done.stdout
    assert 'or remove it' in done.stdout
    assert store.settings(0) == dict(step=1)


TAKE_AWAY = """
from pathlib import Path
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class TakeAway(Hook):
    def __init__(self, path):
        self.path = Path(path)

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter == 1:
            self.path.unlink()
"""


def test_train_names_why_a_round_was_not_made(
    run_again, config: Path, tmp_path: Path, scribbles: Path
) -> None:
    (tmp_path / 'take_away.py').write_text(TAKE_AWAY)
    hook = dict(type='TakeAway', path=str(scribbles / 'images/deep/2.png'))
    with config.open('a') as file:
        file.write("\ncustom_imports['imports'] += ['take_away']\n")
        file.write(f'custom_hooks = [{hook}]\n')
    done = run_again(TOOLS / 'train.py', config, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert 'train.py: error: Round 1 of pseudo-labels was not' in done.stdout
    assert 'Traceback' not in done.stdout


def test_generate_pseudo_labels_names_what_cannot_be_built(
    run_again, config: Path
) -> None:
    done = run_again(
        *(TOOLS / 'generate_pseudo_labels.py', config, '--cfg-options'),
        'default_hooks.pseudo_labels.generator.segmenter.type=NoSegmenter',
    )
    assert done.returncode == 2
    assert 'has a generator that cannot be built' in done.stdout
    assert 'Traceback' not in done.stdout


def test_train_on_two_ranks_refreshes(
    run_ranks, config: Path, tmp_path: Path, at_exit: dict[str, str]
) -> None:
    store = PseudoLabelStore(tmp_path / 'work/pseudo_labels')
    words = ['--launcher', 'pytorch', '--cfg-options']
    command = [TOOLS / 'train.py', config]
    done = run_ranks(*command, *words, 'train_cfg.max_iters=3', **at_exit)
    assert done.returncode == 0, done.stdout
    assert 'still connected' not in done.stdout
    assert store.current == 1
    assert store.manifest(1)['summary']['images'] == 3


def test_generate_pseudo_labels_stops_all_ranks_at_a_lock(
    run_ranks, config: Path, tmp_path: Path
) -> None:
    lock = PseudoLabelStore(tmp_path / 'out').lock()
    done = run_ranks(
        *(TOOLS / 'generate_pseudo_labels.py', config),
        *('--out', tmp_path / 'out', '--launcher', 'pytorch'),
    )
    lock.release()
    assert done.returncode != 0
    assert 'in use by another run' in done.stdout


def test_generate_pseudo_labels_stops_all_ranks_at_an_error(
    run_ranks, config: Path, tmp_path: Path, scribbles: Path
) -> None:
    # The check before a round opens five labels, and not the third of seven.
    for number in range(3, 7):
        for folder in (scribbles / 'images/deep', scribbles / 'weak/deep'):
            shutil.copy(folder / '0.png', folder / f'{number}.png')
    (scribbles / 'weak/deep/2.png').write_bytes(b'no image')
    done = run_ranks(
        *(TOOLS / 'generate_pseudo_labels.py', config),
        *('--out', tmp_path / 'out', '--launcher', 'pytorch'),
    )
    assert done.returncode != 0
    assert 'deep/2.png cannot be read as an image' in done.stdout
    assert PseudoLabelStore(tmp_path / 'out').current is None


def test_generate_pseudo_labels_rejects_a_config_without_hook(
    refusal, make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = make_config()
    del cfg.default_hooks['pseudo_labels']
    cfg.dump(tmp_path / 'bare.py')
    said = refusal('generate_pseudo_labels.py', tmp_path / 'bare.py')
    assert 'has no SAMPseudoLabelHook' in said


def test_generate_pseudo_labels_names_missing_data(
    refusal, config: Path, scribbles: Path
) -> None:
    (scribbles / 'weak').rename(scribbles / 'gone')
    said = refusal('generate_pseudo_labels.py', config)
    assert f'train: {scribbles}/weak is not a folder' in said


def test_generate_pseudo_labels_waits_as_the_hook_says(
    refusal, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(hours: float = 24) -> None:
        raise ValueError(f'ranks wait for {hours} hours')

    group = 'mmseg_sesam.rounds.distributed.build_group'
    monkeypatch.setattr(group, note)
    option = 'default_hooks.pseudo_labels.timeout_hours=48'
    command = ['generate_pseudo_labels.py', config, '--cfg-options', option]
    assert 'ranks wait for 48 hours' in refusal(*command)


class Connected(Exception):
    """The processes were connected."""


def test_generate_pseudo_labels_starts_workers_of_ranks_as_training_does(
    run_here, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_dist(launcher: str) -> None:
        raise Connected(torch.multiprocessing.get_start_method())

    monkeypatch.setattr('mmengine.dist.init_dist', init_dist)
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cuda')
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        monkeypatch.setenv(name, '1')
    before = torch.multiprocessing.get_start_method(allow_none=True)
    # As in a new process.
    torch.multiprocessing.set_start_method(None, force=True)
    words = '--launcher', 'slurm', '--cfg-options'
    for method in ('fork', 'forkserver'):
        option = f'env_cfg.mp_cfg.mp_start_method={method}'
        with pytest.raises(Connected, match=f'^{method}$'):
            run_here('generate_pseudo_labels.py', config, *words, option)
    torch.multiprocessing.set_start_method(before, force=True)
