"""Importing the package is quick, and mmseg finds its components."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_sesam import registration

TOOLS = sorted(Path(__file__).parents[1].joinpath('tools').glob('*.py'))
FRAMEWORKS = ('torch', 'mmcv', 'mmseg')
WITHOUT_FRAMEWORK = (
    'annotations',
    'cli.arguments',
    'core.selection',
    'core.weak_labels',
    'evaluation.folders',
    'io.labels',
)
# A component of each registry that the package adds to.
NAMES = dict(
    HOOKS='SAMPseudoLabelHook',
    METRICS='WeakPixelAccuracy',
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


def test_apply_knows_each_file_that_registers() -> None:
    package = Path(registration.__file__).parent
    known = {
        name for names in registration._COMPONENTS.values() for name in names
    }
    for path in package.rglob('*.py'):
        if '.register_module(' not in path.read_text(encoding='utf-8'):
            continue
        parts = path.relative_to(package).with_suffix('').parts
        names = {'.'.join(parts[:end]) for end in range(1, len(parts) + 1)}
        assert names & known, path


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
        pytest.param(
            'import mmengine.runner, mmseg_sesam.models\n',
            marks=pytest.mark.slow,
        ),
        # A registry that was used before has read its locations; that takes
        # compiled ops, which a mock replaces.
        'import sys\n'
        'from unittest.mock import MagicMock\n'
        'sys.modules["mmcv._ext"] = MagicMock()\n'
        'import mmseg.registry as used\n'
        f'for name in {list(NAMES)}: getattr(used, name).get("none")\n'
        'import mmseg_sesam, mmseg.models\n',
    ],
    ids=['after-runner', 'after-use'],
)
def test_apply_finds_components_in_any_order_of_imports(order: str):
    done = run_python(order + LOOK_UP)
    assert done.returncode == 0, done.stderr


def test_apply_imports_only_what_all_components_need():
    modules = ['timm.models', 'torchvision', 'matplotlib.figure', 'plotly']
    done = run_python(
        'import sys, mmseg_sesam, mmengine.runner\n'
        + LOOK_UP
        + f'print([name for name in {modules} if name in sys.modules])\n'
    )
    # onedl-mmsegmentation prints lines of its own.
    assert done.stdout.splitlines()[-1:] == ['[]'], done.stderr


def test_apply_imports_no_framework():
    rooms = ', '.join(f'mmseg_sesam.{room}' for room in WITHOUT_FRAMEWORK)
    code = f'import sys, {rooms}\nprint([*map(sys.modules.get, {FRAMEWORKS})])'
    assert run_python(code).stdout == '[None, None, None]\n'


def test_help_of_tools_imports_no_framework():
    done = run_python(
        'import runpy, sys\n'
        'for tool in sys.argv[1:]:\n'
        '    sys.argv = [tool, "--help"]\n'
        '    try:\n'
        '        runpy.run_path(tool, run_name="__main__")\n'
        '    except SystemExit as end:\n'
        '        assert not end.code, tool\n'
        f'    found = [*map(sys.modules.get, {FRAMEWORKS})]\n'
        '    assert found == [None] * 3, tool\n',
        *TOOLS,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('usage: ') == len(TOOLS)
