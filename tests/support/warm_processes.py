"""Starts scripts in processes that need not import torch and mmseg."""

from __future__ import annotations

import functools
import itertools
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

_numbers = itertools.count()


@functools.cache
def _server() -> socket.socket:
    """The connection to the server, which ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    script = Path(__file__).with_name('warm_server.py')
    with theirs:
        subprocess.Popen(
            [sys.executable, str(script), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
    return ours


def find_free_port() -> str:
    """A free port for the processes of a distributed run."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


def run_warm(
    *words: object, ranks: int = 1, **env: str
) -> subprocess.CompletedProcess:
    """Runs a script without a GPU, with stdout and stderr as one text.

    Args:
        words: path of the script, and its arguments.
        ranks: number of processes; more than one are connected as torchrun
            connects them.
        env: changes of the environment.

    Returns:
        The end of the processes; the code is that of the first to fail.
    """
    words = [str(word) for word in words]
    number = f'{next(_numbers):04}'
    port = find_free_port() if ranks > 1 else ''
    output, output_end = os.pipe()
    statuses = []
    for rank in range(ranks):
        place = {}
        if ranks > 1:
            place = dict(
                RANK=str(rank),
                LOCAL_RANK=str(rank),
                WORLD_SIZE=str(ranks),
                LOCAL_WORLD_SIZE=str(ranks),
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=port,
            )
        request = dict(
            words=words,
            number=number,
            folder=os.getcwd(),
            env={**os.environ, **place, **env},
        )
        status, status_end = os.pipe()
        socket.send_fds(
            _server(), [json.dumps(request).encode()], [output_end, status_end]
        )
        os.close(status_end)
        statuses.append(os.fdopen(status))
    os.close(output_end)
    with os.fdopen(output, errors='replace') as file:
        text = file.read()
    codes = []
    for status in statuses:
        with status:
            codes.append(int(status.read() or -1))
    code = next(filter(None, codes), 0)
    return subprocess.CompletedProcess(words, code, text)
