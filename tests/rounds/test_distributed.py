"""Two real processes stop together."""

from __future__ import annotations

from warm_processes import run_warm

CODE = """
import logging
import sys
import time
from pathlib import Path
from mmengine import dist
from mmengine.logging import MMLogger
from torch import distributed
from mmseg_sesam.rounds.distributed import (
    build_group, on_all_ranks, on_main_rank,
)

distributed.init_process_group('gloo')
group, rank = build_group(), dist.get_rank()


def fail():
    raise OSError(f'disk of {rank} is full')


assert on_all_ranks(lambda: rank, group) == [0, 1]
assert on_main_rank(lambda: f'from {rank}', group) == 'from 0'
said = []
for work in (
    lambda: on_main_rank(fail, group),
    lambda: on_all_ranks(fail if rank else list, group),
):
    try:
        work()
    except Exception as error:
        said.append(f'{type(error).__name__}: {error}')
assert said == [
    [
        'OSError: disk of 0 is full',
        'RankError: rank 1 failed with OSError: disk of 1 is full',
    ],
    [
        'RankError: rank 0 failed with OSError: disk of 0 is full',
        'OSError: disk of 1 is full',
    ],
][rank], said


def wait():
    # Until the other rank has logged that it failed.
    for _ in range(500):
        if log.is_file() and 'Rank 1 failed with OSError' in log.read_text():
            return True
        time.sleep(0.01)


log = Path(sys.argv[0]).with_name('log')
if rank:
    MMLogger.get_current_instance().addHandler(logging.FileHandler(log))
results = []
try:
    on_all_ranks(fail if rank else lambda: results.append(wait()), group)
except (OSError, RuntimeError):
    assert rank or results == [True]
print('done')
del group       # Its threads may abort Python at its end.
distributed.destroy_process_group()
"""


def test_on_all_ranks_raises_errors_of_other_ranks(tmp_path) -> None:
    (tmp_path / 'ranks.py').write_text(CODE)
    done = run_warm(tmp_path / 'ranks.py', ranks=2)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('done\n') == 2
