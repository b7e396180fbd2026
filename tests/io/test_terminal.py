"""Tools show little, and often enough."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from mmseg_sesam.io.terminal import (
    Pace,
    Progress,
    end_quietly,
    hide_warnings,
    shorten,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test may change."""
    now = [0.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    return now


def test_pace_doubles_in_a_pipe(clock: list[float]) -> None:
    pace, shown = Pace(), []
    for second in range(3600):
        clock[0] = second
        if pace.is_due():
            shown.append(second)
    assert shown[:3] == [10, 30, 70]
    assert 10 < len(shown) < 20


def test_progress_writes_few_lines_to_a_pipe(
    clock: list[float], capsys
) -> None:
    for second in Progress(range(100), desc='making'):
        clock[0] = second
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(' [')[0] for line in lines] == [
        'making: 11/100',
        'making: 31/100',
        'making: 71/100',
        'making: 100/100',
    ]


def test_progress_of_a_short_process_writes_one_line(
    project_root: Path,
) -> None:
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


def test_shorten_hides_records_from_the_terminal_alone(
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
        'paramwise_options -- backbone.x:lr=0.0003',
    ]
    for text in [*hidden, 'Saving checkpoint']:
        logger.info(text)
    assert capsys.readouterr().out == 'Saving checkpoint\n'
    log = (tmp_path / 'run.log').read_text()
    assert all(text in log for text in hidden)


def test_hide_warnings_keeps_other_warnings() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        hide_warnings()
        warnings.warn('pkg_resources is deprecated as an API.', stacklevel=1)
        warnings.warn('``build_loss`` would be deprecated soon', stacklevel=1)
        warnings.warn('of importance', stacklevel=1)
    assert [str(one.message) for one in caught] == ['of importance']


def test_end_quietly_shows_no_traceback(capfd: pytest.CaptureFixture) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pool = ProcessPoolExecutor(1, initializer=end_quietly)
        with pool, pytest.raises(BrokenProcessPool):
            pool.submit(signal.raise_signal, signal.SIGINT).result()
    finally:
        signal.signal(signal.SIGINT, before)
    assert 'Traceback' not in capfd.readouterr().err
