"""The pages as a site: built without a warning, whole, and self-contained."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from inspect import signature
from pathlib import Path

import mmseg.registry
import pytest
import yaml
from mmengine.registry import Registry

from mmseg_sesam.core.selection import CoverageMaskSelector
from mmseg_sesam.engine import SAMPseudoLabelHook
from mmseg_sesam.models import GatedCRFLoss
from mmseg_sesam.version import __version__

from .pages import DOCS, ROOT, ROOT_PAGES

pytest.importorskip('mkdocs')


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('site')
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'mkdocs', 'build', '--strict'),
            *('--config-file', ROOT / 'mkdocs.yml', '--site-dir', folder),
        ],
        env=dict(os.environ, NO_MKDOCS_2_WARNING='1'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert 'WARNING' not in done.stdout
    return folder


def test_navigation_has_every_page(site: Path) -> None:
    listed = (site / 'index.html').read_text()
    for page in DOCS.rglob('*.md'):
        name = page.relative_to(DOCS).with_suffix('.html').as_posix()
        assert f'href="{name}"' in listed, f'mkdocs.yml does not list {name}'


def test_api_pages_have_options_of_every_component(site: Path) -> None:
    pages = ''.join(path.read_text() for path in site.glob('api/*.html'))
    registries = [
        value
        for value in vars(mmseg.registry).values()
        if isinstance(value, Registry)
    ]
    for registry in registries:
        registry.import_from_location()
    components = [
        f'{component.__module__}.{name}'
        for registry in registries
        for name, component in registry.module_dict.items()
        if component.__module__.startswith('mmseg_sesam.')
    ]
    assert len(components) > 15
    for component in components:
        name = component.rsplit('.', 1)[1]
        heading = rf'<h\d id="mmseg_sesam\.[\w.]+\.{name}"'
        assert re.search(heading, pages), f'{component} is not in docs/api'
    text = re.sub('<[^>]+>', '', pages)
    for component in (CoverageMaskSelector, SAMPseudoLabelHook, GatedCRFLoss):
        for name, option in signature(component).parameters.items():
            default = f' = {option.default!r}'
            given = '' if option.default is option.empty else default
            shown = rf'\b{name}: [^\n]*{re.escape(given)}[,)]'
            assert re.search(shown, text), f'{component.__name__}.{name}'


def test_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r'<(?:script|img|link rel="stylesheet")[^>]*'
        r'(?:src|href)="((?:https?:)?//[^"]+)'
    )
    for path in site.rglob('*.html'):
        assert not loads.findall(path.read_text()), path.name


@pytest.mark.parametrize('page', ROOT_PAGES, ids=lambda page: page.name)
def test_root_pages_link_to_existing_files(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r'\]\(([^)#]+)', text)
    targets += re.findall(r'^\[\w+\]: ([^#\n]+)', text, re.MULTILINE)
    for target in targets:
        if not target.startswith('http'):
            assert (ROOT / target).exists(), target


def test_citation_names_the_version() -> None:
    cited = yaml.safe_load((ROOT / 'CITATION.cff').read_text())

    assert cited['version'] == __version__


def test_readme_is_short() -> None:
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 130
