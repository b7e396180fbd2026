"""Importing the package is quick, and mmseg finds its components."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mmseg.datasets import PascalVOCDataset

from mmseg_sesam.evaluation.submission import SERVERS

TOOLS = sorted(Path(__file__).parents[1].joinpath('tools').glob('*.py'))
FRAMEWORKS = ('torch', 'mmcv', 'mmseg')
# A component of each registry that the package adds to.
NAMES = dict(
    HOOKS='SAMPseudoLabelHook',
    METRICS='PseudoLabelQuality',
    MODELS='SeSAMEncoderDecoder',
    TASK_UTILS='CoverageMaskSelector',
    TRANSFORMS='LoadPseudoLabel',
)
LOOK_UP = (
    'import mmseg.registry as registries\n'
    f'for registry, name in {NAMES}.items():\n'
    '    found = getattr(registries, registry).get(name)\n'
    '    assert found.__module__.startswith("mmseg_sesam."), name\n'
)


def run_python(code: str, *words: object) -> subprocess.CompletedProcess:
    """Runs code in a fresh process."""
    return subprocess.run(
        [sys.executable, '-c', code, *map(str, words)],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    'order',
    [
        'import mmseg_sesam\n',
        'import mmseg_sesam.models\n',
        'import mmseg_sesam\nimport mmseg.models\n',
        'import mmengine.runner, mmseg_sesam\n',
        # A registry that was used before has read its locations; that takes
        # compiled ops, for which a stand-in is enough.
        'import sys\n'
        'from unittest.mock import MagicMock\n'
        'sys.modules["mmcv._ext"] = MagicMock()\n'
        'import mmseg.registry as used\n'
        f'for name in {list(NAMES)}: getattr(used, name).get("none")\n'
        'import mmseg_sesam\n',
    ],
    ids=['first', 'part', 'before-models', 'after-runner', 'after-use'],
)
def test_components_are_found_in_any_order_of_imports(order: str):
    done = run_python(order + LOOK_UP)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    'name',
    [
        'mmseg_sesam',
        'mmseg_sesam.annotations',
        'mmseg_sesam.cli.arguments',
        'mmseg_sesam.core.selection',
        'mmseg_sesam.core.weak_labels',
        'mmseg_sesam.evaluation.folders',
        'mmseg_sesam.io.labels',
    ],
)
def test_what_needs_no_framework_imports_none(name: str):
    code = f'import sys, {name}\nprint([*map(sys.modules.get, {FRAMEWORKS})])'
    assert run_python(code).stdout == '[None, None, None]\n'


@pytest.mark.parametrize('tool', TOOLS, ids=lambda tool: tool.stem)
def test_help_of_a_tool_imports_no_framework(tool: Path):
    done = run_python(
        'import runpy, sys\n'
        'sys.argv = [sys.argv[1], "--help"]\n'
        'try:\n'
        '    runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'except SystemExit as end:\n'
        '    assert not end.code\n'
        f'print([*map(sys.modules.get, {FRAMEWORKS})])\n',
        tool,
    )
    assert done.stdout.startswith('usage: '), done.stderr
    assert done.stdout.endswith('[None, None, None]\n')


def test_components_are_registered_without_what_only_some_need():
    modules = ['timm.models', 'torchvision', 'matplotlib.figure', 'plotly']
    done = run_python(
        'import sys, mmseg_sesam, mmengine.runner\n'
        + LOOK_UP
        + f'print([name for name in {modules} if name in sys.modules])\n'
    )
    assert done.stdout == '[]\n', done.stderr


def test_the_voc_server_expects_the_colours_of_mmseg():
    expected = PascalVOCDataset.METAINFO['palette']
    assert list(map(list, SERVERS['voc'].palette)) == expected
