"""Pages from templates."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import nan
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from mmseg_sesam.io.templates import render


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with a template."""
    folder = tmp_path / 'package_of_pages'
    (folder / 'assets').mkdir(parents=True)
    (folder / '__init__.py').touch()
    (folder / 'assets' / 'page.html').write_text(
        '{{ name }} {{ data|tojson }}'
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder.name
    sys.modules.pop(folder.name, None)


def test_render_escapes_values(package: str) -> None:
    text = render(package, 'page.html', name='<b>', data=[1, 2])
    assert text == '&lt;b&gt; [1,2]'


def test_render_refuses_missing_values_and_nan(package: str) -> None:
    with pytest.raises(UndefinedError):
        render(package, 'page.html', data=1)
    with pytest.raises(ValueError, match='not JSON compliant'):
        render(package, 'page.html', name='a', data=nan)
