"""Forks processes that have torch and mmseg imported, and runs scripts.

The imports of a new process take six seconds, a fork takes none. Each script
runs as `__main__`, in a process of its own that ends as Python ends, without
a trace of the tests or of earlier scripts.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path

# On mmcv-lite mmseg is imported after the package.
import mmseg_sesam  # noqa: F401

# isort: split
import mmseg.apis  # noqa: F401
import numpy as np
import pytest
import torch._dynamo.utils  # noqa: F401
from mmengine.config import Config
from quick_runs import patch_runs

import mmseg_sesam.cli.launch
import mmseg_sesam.engine.terminal_runner
import mmseg_sesam.segmenters  # noqa: F401

# Imported where they are first used, which takes one second of a training.
_LATE = (
    *('timm.models', 'torchvision', 'plotly.graph_objects'),
    *('matplotlib.figure', 'matplotlib.backends.backend_agg'),
)
_CONFIG = (
    Path(__file__).parents[2] / 'configs/_base_/schedules/schedule_20k.py'
)


def serve(requests: socket.socket) -> dict:
    """Waits for requests; returns one in each process that runs a script."""
    # The system reaps the children of the server.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, *_ = socket.recv_fds(requests, 1 << 20, 2)
        if not message:
            sys.exit()
        if not os.fork():
            requests.close()
            return _start(json.loads(message), *files)
        for file in files:
            os.close(file)


def _start(request: dict, output: int, status: int) -> dict:
    """Returns in a child; the parent reports the child's status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        os.close(output)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(status, str(code).encode())
        os._exit(0)
    os.close(status)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    # Whole lines, also where PYTHONUNBUFFERED writes each word at once: what
    # several ranks print must not interleave within a line.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=False)
    return request


def call_warm(command: list[str], *rest: object, **options: object) -> int:
    """Calls a Python script as `subprocess.call` does, in a fork."""
    if command[0] != sys.executable:
        return subprocess.Popen(command, *rest, **options).wait()
    assert not rest and not options
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.argv = command[1:]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    code: object = 1
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:  # noqa: BLE001, as Python ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_script(request: dict) -> None:
    """Runs a script as Python would with these words and this environment."""
    # Python and torch have seeds of each process, numpy that of the server.
    np.random.seed()
    patch = pytest.MonkeyPatch()
    patch_runs(patch, itertools.repeat(request['number']))
    patch.setattr(subprocess, 'call', call_warm)
    os.chdir(request['folder'])
    os.environ.clear()
    os.environ.update(request['env'])
    sys.argv = request['words']
    sys.path[0] = str(Path(sys.argv[0]).parent)
    folders = [*filter(None, os.environ.get('PYTHONPATH', '').split(':'))]
    sys.path[1:1] = folders
    for folder in folders:
        custom = Path(folder, 'sitecustomize.py')
        if custom.is_file():
            runpy.run_path(str(custom))
    runpy.run_path(sys.argv[0], run_name='__main__')


def prepare() -> None:
    """Imports, and reads, what most trainings and reports do first."""
    for name in _LATE:
        with suppress(ImportError):
            importlib.import_module(name)
    with pytest.MonkeyPatch.context() as patch:
        patch_runs(patch, itertools.repeat(''))
        Config.fromfile(_CONFIG)


def main() -> None:
    prepare()
    # A collection would copy the memory that all processes share.
    gc.collect()
    gc.freeze()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    run_script(request)


if __name__ == '__main__':
    main()
