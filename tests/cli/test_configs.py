"""Reading of configs from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmseg_sesam.cli.configs import read_config


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.py', "_base_ = './gone.py'\n", r'a\.py .*gone\.py.* _base_ names'),
        ('a.py', 'model = (\n', r"a\.py cannot be read .*'\(' was never clo"),
        ('a.json', '{"model": ', r'a\.json cannot be read as a config .*line'),
        ('a.py', 'lr = 1\n', r'a\.py has no model, expected .*: add model'),
        ('a.py', 'model = None\n', r'a\.py has no model'),
    ],
    ids=['base', 'syntax', 'json', 'part', 'none'],
)
def test_read_config_names_a_wrong_file(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_config(str(path), None, 'model')


def test_read_config_applies_options_that_fit(tmp_path: Path) -> None:
    path = tmp_path / 'a.py'
    path.write_text('model = dict(a=1, b=[2])\n')
    assert read_config(str(path), {'model.a': 3}, 'model').model.a == 3
    with pytest.raises(ValueError, match=r'do not fit .*a\.py'):
        read_config(str(path), {'model.b.5': 3})


def test_read_config_leaves_errors_of_code_to_their_traceback(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'a.py'
    path.write_text("lr = int('two')\n")
    with pytest.raises(ValueError, match='invalid literal'):
        read_config(str(path))
