"""Tools that a person interrupts with Ctrl-C, as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
# Trains and writes the report with the tools of another folder.
START = """
import runpy
import sys
from pathlib import Path

train = runpy.run_path({tool!r})['train']
train.__globals__['ROOT'] = Path({root!r})
options = ['a.b=1', 'c=two words']
train(dict(out=Path('out'), jobs=1), Path('out/out.py'), options)
"""
# A tool that has something to do after an interrupt. It may take longer than
# the quarter of a second that `subprocess.call` would wait.
SLOW = """
import sys
import time

try:
    print('ready', flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    time.sleep(1)
    sys.exit('tool: stopped')
"""
# A tool that a second Ctrl-C ends at once.
CAREFUL = """
import sys

try:
    try:
        print('ready', flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        print('stopping', flush=True)
        sys.stdin.read()
except KeyboardInterrupt:
    sys.exit('tool: stopped at once')
"""
# Runs a tool whose work blocks until a signal.
BLOCKED = """
import runpy
import sys
import types


def block(*args, **kwargs):
    print('ready', flush=True)
    sys.stdin.read()


sys.modules[{module!r}] = types.SimpleNamespace(**{{{name!r}: block}})
sys.argv = {argv!r}
runpy.run_path(sys.argv[0], run_name='__main__')
"""
pytestmark = pytest.mark.skipif(
    sys.platform == 'win32', reason='sends SIGINT to a group'
)


@contextmanager
def running(code: str, folder: Path) -> Iterator[subprocess.Popen]:
    """A process of Python code, in a group of its own, as in a terminal."""
    process = subprocess.Popen(
        [sys.executable, '-c', code],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A background job of a shell ignores SIGINT, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        yield process


def wait_for(process: subprocess.Popen, line: str) -> str:
    """Reads the output up to a line; returns what came before."""
    before = ''
    for found in process.stdout:
        if found == f'{line}\n':
            return before
        before += found
    raise AssertionError(f'{line!r} is missing in {before!r}')


def press_ctrl_c(process: subprocess.Popen) -> None:
    """Sends SIGINT to all processes of the group, as a terminal does."""
    os.killpg(process.pid, signal.SIGINT)


def start_code(root: Path, **tools: str) -> str:
    """Returns the code of start.py with tools of the given code."""
    (root / 'tools').mkdir()
    for name in ('train', 'report'):
        (root / f'tools/{name}.py').write_text(tools.get(name, ''))
    return START.format(tool=str(TOOLS / 'start.py'), root=str(root))


@pytest.mark.parametrize(
    'tool, remedy',
    [
        (
            'train',
            '`python tools/train.py out/out.py --resume --cfg-options a.b=1 '
            "'c=two words'` continues the training",
        ),
        ('report', '`python tools/report.py out/run` writes the report'),
    ],
)
def test_start_lets_interrupted_tool_end_and_names_remedy(
    tmp_path: Path, tool: str, remedy: str
) -> None:
    with running(start_code(tmp_path, **{tool: SLOW}), tmp_path) as process:
        wait_for(process, 'ready')
        press_ctrl_c(process)
        said = process.stdout.read()
    assert process.returncode == 1
    assert said == f'tool: stopped\nstart: interrupted; {remedy}.\n'


def test_start_waits_for_tool_at_second_interrupt(tmp_path: Path) -> None:
    with running(start_code(tmp_path, train=CAREFUL), tmp_path) as process:
        wait_for(process, 'ready')
        press_ctrl_c(process)
        wait_for(process, 'stopping')
        press_ctrl_c(process)
        first, second = process.stdout.read().splitlines()
    assert process.returncode == 1
    assert first == 'tool: stopped at once'
    assert second.startswith('start: interrupted; `python tools/train.py')


def test_start_goes_on_where_interrupts_are_ignored(tmp_path: Path) -> None:
    code = start_code(tmp_path, train=SLOW, report="print('reported')")
    ignoring = 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n'
    with running(ignoring + code, tmp_path) as process:
        wait_for(process, 'ready')
        press_ctrl_c(process)
        process.stdin.close()
        assert process.stdout.read() == 'reported\n'
    assert process.returncode == 0


@pytest.mark.parametrize(
    'words, module, name, said',
    [
        (
            ('suggest.py', '.', 'out', '--minutes', '1'),
            *('mmseg_sesam.suggest', 'suggest'),
            'suggest: interrupted; run it again, with a new output folder.',
        ),
        (
            ('report.py', '.'),
            *('mmseg_sesam.report', 'build_report'),
            'report: interrupted; run it again.',
        ),
        (
            ('train.py', 'config.py'),
            *('mmseg_sesam.cli.launch', 'load_config'),
            'train: interrupted; tools/train.py with --resume and the same '
            'other arguments continues.',
        ),
        (
            ('generate_pseudo_labels.py', 'config.py'),
            *('mmseg_sesam.cli.launch', 'load_config'),
            'generate_pseudo_labels: interrupted; the same command continues.',
        ),
    ],
)
def test_tool_ends_with_one_sentence_when_interrupted(
    tmp_path: Path, words: tuple[str, ...], module: str, name: str, said: str
) -> None:
    (tmp_path / 'config.py').touch()
    argv = [str(TOOLS / words[0]), *words[1:]]
    code = BLOCKED.format(module=module, name=name, argv=argv)
    with running(code, tmp_path) as process:
        wait_for(process, 'ready')
        press_ctrl_c(process)
        assert process.stdout.read() == f'{said}\n'
    assert process.returncode == 1
