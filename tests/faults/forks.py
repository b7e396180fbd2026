"""Runs of a tool as real processes, one of which meets a fault.

They are forked from the tests' own process, which has imported everything,
so that a run takes no longer than its steps.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mmengine.device import utils as device
from warm_processes import find_free_port

ROOT = Path(__file__).resolve().parents[2]
TRAIN = ROOT / 'tools/train.py'
GENERATE = ROOT / 'tools/generate_pseudo_labels.py'

# Phases of a training, by a part of the path of a file that the process
# opens, renames, makes or removes.
PHASES = dict(
    generation='.staging',
    publishing='round_0',
    current='CURRENT',
    checkpointing='.pth',
    last_checkpoint='last_checkpoint',
)
EVENTS = ('open', 'os.rename', 'os.mkdir', 'os.remove', 'shutil.rmtree')
# Far more than a training takes; one that hangs is killed.
PATIENCE = 300


class Fault(NamedTuple):
    """A kill or a failing file operation.

    Attributes:
        phase: one of PHASES, or 'time'.
        number: number of the event of that phase, from 1; milliseconds for
            'time'.
        error: errno that the event raises; None kills the process before it.
        rank: rank of the process.
    """

    phase: str
    number: int
    error: int | None = None
    rank: int = 0


class Run(NamedTuple):
    """The outcome of a run.

    Attributes:
        statuses: exit status of each rank, negative if it was killed, None
            if it hung.
        text: output of all ranks.
        events: number of events of rank 0 by phase; empty if it was killed.
    """

    statuses: list[int | None]
    text: str
    events: dict[str, int]


def run(
    folder: Path, *words: object, ranks: int = 1, fault: Fault | None = None
) -> Run:
    """Runs a tool.

    Args:
        folder: folder of the log.
        words: the tool and its arguments.
        ranks: number of processes, connected over gloo.
        fault: fault of one of them.
    """
    log, events = folder / 'log.txt', folder / 'events.json'
    for path in (log, events):
        path.unlink(missing_ok=True)
    argv = [str(word) for word in words]
    port = find_free_port()
    if ranks > 1:
        argv += ['--launcher', 'pytorch']
    children = []
    for rank in range(ranks):
        own = fault if fault and fault.rank == rank else None
        child = os.fork()
        if not child:
            if ranks > 1:
                os.environ.update(
                    RANK=str(rank),
                    LOCAL_RANK=str(rank),
                    WORLD_SIZE=str(ranks),
                    MASTER_ADDR='127.0.0.1',
                    MASTER_PORT=port,
                )
            _live(argv, log, events if not rank else None, own)
        children.append(child)
    if fault and fault.phase == 'time':
        time.sleep(fault.number / 1000)
        os.kill(children[fault.rank], signal.SIGKILL)
    statuses = _wait(children)
    text = log.read_text(errors='replace')
    counts = json.loads(events.read_text()) if events.exists() else {}
    return Run(statuses, text, counts)


def _wait(children: list[int]) -> list[int | None]:
    statuses: dict[int, int | None] = {}
    deadline = time.monotonic() + PATIENCE
    while len(statuses) < len(children):
        for child in set(children) - set(statuses):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                statuses[child] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                statuses[child] = None
        time.sleep(0.01)
    return [statuses[child] for child in children]


def _live(
    argv: list[str], log: Path, events: Path | None, fault: Fault | None
) -> None:
    """Runs a tool in a child process, which never returns."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout = sys.stderr = os.fdopen(1, 'w', buffering=1)
    device.DEVICE = 'cpu'
    seen = _watch(fault)
    sys.argv = argv
    status = 1
    try:
        runpy.run_path(argv[0], run_name='__main__')
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001, the status tells it
        traceback.print_exc()
    if events is not None:
        events.write_text(json.dumps(seen))
    os._exit(status)


def _watch(fault: Fault | None) -> Counter:
    """Counts the events of this process, and raises the fault."""
    seen: Counter = Counter()

    def watch(event: str, args: tuple) -> None:
        phase = _phase(event, args)
        if phase is None:
            return
        seen[phase] += 1
        if fault and (phase, seen[phase]) == fault[:2]:
            if fault.error is None:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(fault.error, os.strerror(fault.error), str(args[0]))

    sys.addaudithook(watch)
    return seen


def _phase(event: str, args: tuple) -> str | None:
    if event not in EVENTS:
        return None
    paths = [str(a) for a in args[:2] if isinstance(a, (str, os.PathLike))]
    for phase, part in PHASES.items():
        if any(part in path for path in paths):
            return phase
    return None
