"""What a training from the command line refuses, by a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def test_train_names_a_missing_config(refusal):
    assert 'nowhere.py is not a file (looked from' in refusal(
        'train.py', 'nowhere.py'
    )


@pytest.mark.parametrize('words', [['foo'], ['foo="[1,2"'], ['model=', 'foo']])
def test_train_names_options_that_cannot_be_parsed(
    refusal, tiny_config: Path, words: list[str]
):
    said = refusal('train.py', tiny_config, '--cfg-options', *words)
    assert f'--cfg-options: {" ".join(words)} cannot be parsed: give' in said


# Those of train.py, without the last.
PARTS = ['model.type=A', 'train_dataloader.a=1', 'train_cfg.max_iters=1']


@pytest.mark.parametrize(
    ('tool', 'words', 'part'),
    [
        ('train.py', [], 'model'),
        ('train.py', ['--cfg-options', *PARTS], 'optim_wrapper'),
        ('test.py', ['{file}'], 'model'),
        ('generate_pseudo_labels.py', [], 'train_dataloader'),
    ],
)
def test_tools_name_a_config_that_lacks_a_part(
    refusal, tmp_path: Path, tool: str, words: list[str], part: str
):
    path = tmp_path / 'part.py'
    path.write_text('default_hooks = dict()\n')
    words = [word.format(file=path) for word in words]
    assert f'part.py has no {part}, exp' in refusal(tool, path, *words)


def test_train_names_a_missing_checkpoint(refusal, tiny_config: Path):
    said = refusal('train.py', tiny_config, '--resume', 'gone.pth')
    assert 'gone.pth is not a file' in said


def test_train_names_damaged_weights_to_begin_with(refusal, tiny_config: Path):
    weights = tiny_config.parent / 'weights.pth'
    weights.write_bytes(b'junk')
    said = refusal(
        *('train.py', tiny_config, '--work-dir', tiny_config.parent / 'run'),
        *('--cfg-options', f'load_from={weights}'),
    )
    assert f'{weights} is no checkpoint that can be loaded' in said


def test_train_rejects_the_folder_of_an_earlier_run(
    refusal, tiny_config: Path
):
    work_dir = tiny_config.parent / 'run'
    work_dir.mkdir()
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'iter_2.pth'))
    arguments = [tiny_config, '--work-dir', work_dir]
    assert 'holds the checkpoints of an earlier run' in refusal(
        'train.py', *arguments
    )
    said = refusal('train.py', *arguments, '--resume')
    assert f'names {work_dir}/iter_2.pth, which is not there' in said


@pytest.mark.parametrize(
    'option',
    [
        'model_wrapper_cfg.type=MMFullyShardedDataParallel',
        'strategy.type=DeepSpeedStrategy',
        'strategy.type=FSDPStrategy',
    ],
)
def test_train_rejects_sharded_parameters(
    refusal, tiny_config: Path, option: str
):
    said = refusal('train.py', tiny_config, '--cfg-options', option)
    assert f'asks for {option.split("=")[1]}, which shards the' in said


def test_train_names_the_extra_of_a_backbone(
    refusal, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, 'timm', None)
    said = refusal(
        *('train.py', tiny_config, '--cfg-options'),
        'model.backbone.type=mmseg.TIMMBackbone',
    )
    assert 'has a TIMMBackbone, and timm is not installed: run' in said
    assert '`pip install -e ".[timm]"`' in said


def test_train_rejects_a_part_without_effect(
    refusal, make_config, tmp_path: Path
):
    cfg = make_config()
    del cfg.default_hooks['pseudo_labels']
    cfg.dump(tmp_path / 'child.py')
    said = refusal('train.py', tmp_path / 'child.py')
    assert f'{tmp_path}/child.py: The training pipeline has LoadPseudo' in said


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (
            {'default_hooks.pictures.interval': 0},
            'SeSAMVisualizationHook got interval=0, expected a whole',
        ),
        (
            {'default_hooks.pseudo_labels.init_from': 'nowhere'},
            "init_from='nowhere' of SAMPseudoLabelHook holds no whole round 0",
        ),
        (
            {'optim_wrapper.optimizer.lr': 1e30},
            'At iteration 1 the loss is not finite',
        ),
    ],
    ids=['option', 'before-training', 'in-training'],
)
def test_train_ends_with_the_sentence_of_a_hook(
    refusal, make_config, tmp_path: Path, options: dict, said: str
):
    cfg = make_config(train_cfg__max_iters=2)
    cfg.default_hooks.pseudo_labels.max_rounds = 0
    cfg.default_hooks.pictures = dict(type='SeSAMVisualizationHook')
    cfg.merge_from_dict(options)
    cfg.dump(tmp_path / 'child.py')
    assert f'error: {said}' in refusal('train.py', tmp_path / 'child.py')


def test_train_rejects_amp_without_a_gpu(refusal, tiny_config: Path):
    said = refusal(
        'train.py', tiny_config, '--amp', '--work-dir', tiny_config.parent
    )
    assert '--amp needs a GPU' in said


@pytest.mark.parametrize(
    'launcher, reason',
    [('pytorch', 'tools/dist_train.sh'), ('slurm', 'needs a GPU')],
)
def test_train_rejects_a_launcher_that_cannot_start(
    refusal, tiny_config: Path, monkeypatch, launcher: str, reason: str
):
    monkeypatch.delenv('RANK', raising=False)
    assert reason in refusal('train.py', tiny_config, '--launcher', launcher)


def broken(**options) -> None:
    raise ValueError('an error of code')


def test_train_refuses_options_of_model_by_a_sentence(
    refusal, run_here, make_config, tmp_path: Path
):
    cfg = make_config(model__agreement=2)
    path = tmp_path / 'config.py'
    cfg.dump(path)
    said = refusal('train.py', path)
    assert said.endswith('at least 0 and at most 1.\n'), said
    assert 'error: SeSAMEncoderDecoder got agreement=2, expected' in said

    cfg.model.agreement = 0.5
    cfg.model.backbone = dict(type=f'{__name__}.broken')
    cfg.dump(path)
    with pytest.raises(ValueError, match='an error of code'):
        run_here('train.py', path)
