"""Examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import mmseg_sesam

PACKAGE = Path(mmseg_sesam.__file__).parent
NAMES = [
    '.'.join(
        path.relative_to(PACKAGE.parent).with_suffix('').parts
    ).removesuffix('.__init__')
    for path in sorted(PACKAGE.rglob('*.py'))
    if '>>> ' in path.read_text(encoding='utf-8')
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize('name', NAMES)
def test_examples_of_a_module_give_what_they_say(
    name: str, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Examples read configs of the project.
    monkeypatch.chdir(project_root)
    done = doctest.testmod(import_module(name), optionflags=FLAGS)
    assert done.attempted and not done.failed
