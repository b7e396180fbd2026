"""Reading of configs from the command line."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmseg_sesam.cli.configs import READ, read_config, set_work_dir

TWO_BASES = "_base_ = ['./one.py', './two.py']\n"
NO_MODULE = "custom_imports = dict(imports=['gone'])\n"
NO_BASE = """
from mmengine.config import read_base
with read_base():
    from .gone import *
"""


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.py', "_base_ = './gone.py'\n", r'a\.py .*gone\.py.* _base_ names'),
        ('a.py', 'model = (\n', r"a\.py cannot be read .*'\(' was never clo"),
        ('a.json', '{"model": ', r'a\.json cannot be read as a config .*line'),
        (
            'a.yaml',
            'model: [1,\n',
            r'a\.yaml cannot be .*flow .* expected.*: cor',
        ),
        ('a.py', 'lr = "é"\n', r'a\.py cannot be .*decode.* expected UTF-8\)'),
        ('a.py', TWO_BASES, r'a\.py cannot be read .*\(Duplicate key .*x'),
        ('a.py', NO_MODULE, r"a\.py cannot be .*\(No module named 'gone'\)"),
        ('a.py', NO_BASE, r'a\.py cannot be read .*gone\.py not found'),
        ('a.py', 'lr = 1\n', r'a\.py has no model, expected .*: add model'),
        ('a.py', 'model = None\n', r'a\.py has no model'),
    ],
    ids=[
        *('base', 'syntax', 'json', 'yaml', 'encoding', 'two bases'),
        *('module', 'read base', 'part', 'none'),
    ],
)
def test_read_config_names_a_wrong_file(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode('latin-1'))
    for base in ('one.py', 'two.py'):
        (tmp_path / base).write_text('x = 1\n')
    with pytest.raises(ValueError, match=message) as refused:
        read_config(str(path), None, 'model')
    assert 'sys.path' not in str(refused.value)


def test_read_config_applies_options_that_fit(tmp_path: Path) -> None:
    path = tmp_path / 'a.py'
    path.write_text('model = dict(a=1, b=[2])\n')
    assert read_config(str(path), {'model.a': 3}, 'model').model.a == 3
    with pytest.raises(ValueError, match=r'do not fit .*a\.py'):
        read_config(str(path), {'model.b.5': 3})


def test_read_config_refuses_options_that_nothing_reads(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'a.py'
    path.write_text('train_cfg = dict(max_iters=9)\n')
    with pytest.raises(ValueError, match=r'set trian_cfg, which .*a\.py doe'):
        read_config(str(path), {'trian_cfg.max_iters': 5})
    assert read_config(str(path), {'load_from': 'a.pth'}).load_from

    path.write_text('val_dataloader = dict(dataset=dict())\n')
    with pytest.raises(
        ValueError, match='set test_pipeline, which .* tool re'
    ):
        read_config(str(path), {'test_pipeline.0.size': 2})


VARIABLES = """
root = 'data/pets'
path = root + '/images'
number = 2
size = (64, 64)
generator = dict(min_area=9)
steps = [dict(type='A'), dict(type='B', size=size)]
data_preprocessor = dict(mean=[1])
set_a = dict(data_root=root, pipeline=steps, path=path + '/train')
train_dataloader = dict(workers=number, number=number, dataset=set_a)
val_dataloader = dict(dataset=set_a)
test_pipeline = steps
default_hooks = dict(pseudo_labels=dict(generator=generator))
model = dict(data_preprocessor=data_preprocessor)
"""


@pytest.mark.parametrize(
    ('key', 'remedy'),
    [
        (
            'root',
            'set train_dataloader.dataset.data_root, '
            'val_dataloader.dataset.data_root instead',
        ),
        ('path', 'change it in the file'),
        (
            'number',
            'set train_dataloader.number instead, or change it in the file '
            'if other values are computed from it',
        ),
        (
            'generator.min_area',
            'set default_hooks.pseudo_labels.generator.min_area instead',
        ),
        (
            'steps.1.size',
            'set train_dataloader.dataset.pipeline.1.size, '
            'val_dataloader.dataset.pipeline.1.size instead',
        ),
        (
            'test_pipeline.1.size',
            'set train_dataloader.dataset.pipeline.1.size, '
            'val_dataloader.dataset.pipeline.1.size instead',
        ),
        (
            'data_preprocessor.mean',
            'set model.data_preprocessor.mean instead',
        ),
    ],
)
def test_read_config_names_the_keys_that_act(
    tmp_path: Path, key: str, remedy: str
) -> None:
    path = tmp_path / 'a.py'
    path.write_text(VARIABLES)
    with pytest.raises(ValueError, match=f'set {key}, which .*: {remedy}$'):
        read_config(str(path), {key: 3})


def test_read_config_applies_a_preprocessor_that_the_model_lacks(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'a.py'
    path.write_text('data_preprocessor = dict(mean=[1])\nmodel = dict()\n')
    cfg = read_config(str(path), {'data_preprocessor.mean': [2]})
    assert cfg.data_preprocessor.mean == [2]


def test_read_config_applies_a_pipeline_that_no_data_set_has(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'a.py'
    path.write_text("test_pipeline = [dict(type='A', size=1)]\n")
    cfg = read_config(str(path), {'test_pipeline.0.size': 2})
    assert cfg.test_pipeline[0].size == 2


def test_read_has_all_names_that_a_runner_reads() -> None:
    code = inspect.getsource(Runner)
    read = re.findall(r"\bcfg(?:\.get\(|\[)'(\w+)'", code)
    assert len(read) > 30 and {*read} <= {*READ}


def test_read_config_leaves_errors_of_code_to_their_traceback(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'a.py'
    path.write_text("lr = int('two')\n")
    with pytest.raises(ValueError, match='invalid literal'):
        read_config(str(path))


def test_set_work_dir_prefers_the_option_then_the_config(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'pets.py'
    for text, given, expected in (
        ('', None, 'work_dirs/pets'),
        ("work_dir = 'mine'\n", None, 'mine'),
        ("work_dir = 'mine'\n", 'given', 'given'),
    ):
        path.write_text(text)
        cfg = read_config(str(path))
        set_work_dir(cfg, given)
        assert cfg.work_dir == expected
