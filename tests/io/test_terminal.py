"""Tools show little, and often enough."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from mmseg_sesam.io.terminal import Pace, Progress, hide_warnings, shorten


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test may change."""
    now = [0.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    return now


def test_pauses_grow_in_a_pipe(clock: list[float]) -> None:
    pace, shown = Pace(), []
    for second in range(3600):
        clock[0] = second
        if pace.is_due():
            shown.append(second)
    assert shown[:3] == [10, 30, 70]
    assert 10 < len(shown) < 20


def test_a_pipe_gets_a_few_lines(clock: list[float], capsys) -> None:
    for second in Progress(range(100), desc='making'):
        clock[0] = second
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(' [')[0] for line in lines] == [
        'making: 11/100',
        'making: 31/100',
        'making: 71/100',
        'making: 100/100',
    ]


def test_a_pipe_of_a_process_gets_one_line(project_root: Path) -> None:
    code = (
        'from mmseg_sesam.io.terminal import Progress\n'
        'list(Progress(range(1000), desc="making"))\n'
        'list(Progress(range(1000), desc="too short", delay=60))\n'
        'list(Progress(range(1000), desc="hidden", disable=True))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=project_root,
        capture_output=True,
        text=True,
    )
    assert done.stderr.count('\n') == 1
    assert done.stderr.startswith('making: 1000/1000 [')


def test_the_file_keeps_what_the_terminal_hides(
    tmp_path: Path, capsys
) -> None:
    logger = logging.Logger('run')
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.addHandler(logging.FileHandler(tmp_path / 'run.log'))
    shorten(logger)
    hidden = [
        'Config:\nmodel = 1',
        'Hooks will be executed in the following order:\n',
        'teacher.x is skipped since its requires_grad=False',
    ]
    for text in [*hidden, 'Saving checkpoint']:
        logger.info(text)
    assert capsys.readouterr().out == 'Saving checkpoint\n'
    log = (tmp_path / 'run.log').read_text()
    assert all(text in log for text in hidden)


def test_warnings_of_others_are_hidden_and_not_all() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        hide_warnings()
        warnings.warn('pkg_resources is deprecated as an API.', stacklevel=1)
        warnings.warn('``build_loss`` would be deprecated soon', stacklevel=1)
        warnings.warn('of importance', stacklevel=1)
    assert [str(one.message) for one in caught] == ['of importance']
