"""Limits what tools show in the terminal; the log file keeps everything."""

from __future__ import annotations

import logging
import signal
import sys
import time
import warnings

from tqdm import tqdm

# Seconds between two signs of progress (our choice).
_PAUSE = 10
# Longest pause between two lines in a file or a pipe, in seconds.
_LONGEST_PAUSE = 300
# Beginnings of warnings of other packages about which a user can do nothing.
_WARNINGS = (
    'pkg_resources is deprecated',
    '``build_loss`` would be deprecated',
    'Default ``avg_non_ignore`` is False',
    'The draw is False',
    'For binary segmentation, we suggest using',
)
# First line of a record that holds the traceback of a refusal.
TRACEBACK = 'Refused, with this traceback:\n'
# Beginnings of log records that only the log file keeps.
_RECORDS = (
    TRACEBACK,
    '\n' + '-' * 60 + '\nSystem environment',
    'Config:\n',
    'Hooks will be executed',
    'paramwise_options -- ',
    'Distributed training is not used, all SyncBatchNorm',
    'The prefix is not set in metric class',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)


def hide_warnings() -> None:
    """Hides warnings of other packages about which a user can do nothing."""
    for text in _WARNINGS:
        warnings.filterwarnings('ignore', message=text.replace('`', '.'))


def shorten(logger: logging.Logger) -> None:
    """Hides the config, the environment and the like from the terminal."""
    for handler in logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.addFilter(_is_shown)


def _is_shown(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    skipped = 'is skipped since its requires_grad=False' in text
    return not skipped and not text.startswith(_RECORDS)


def end_quietly() -> None:
    """Makes Ctrl-C end a process of a pool without a traceback.

    Give it to a pool as its initializer. The main process gets the same
    signal, and says once that it was interrupted.
    """
    # Where interrupts are ignored they stay so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class Pace:
    """Decides when progress is shown next.

    The pause is 10 seconds in a terminal. A file or a pipe keeps each line,
    so there the pause doubles each time, up to 5 minutes.
    """

    def __init__(self) -> None:
        self.pause = _PAUSE
        self.restart()

    def restart(self) -> None:
        """Begins a new pause."""
        self.shown = time.monotonic()

    def is_due(self) -> bool:
        """Returns whether the pause is over, and then begins the next."""
        if time.monotonic() - self.shown < self.pause:
            return False
        if not sys.stderr.isatty():
            self.pause = min(2 * self.pause, _LONGEST_PAUSE)
        self.restart()
        return True


class Progress(tqdm):
    """A `tqdm` bar in a terminal, a few lines in a file or a pipe.

    Example:
        >>> sum(Progress([1, 2, 3], desc='adding'))
        6
    """

    def __init__(self, *args, **kwargs) -> None:
        self.bar = sys.stderr.isatty()
        self.pace = Pace()
        if not self.bar:
            kwargs.update(miniters=1, mininterval=0, file=sys.stderr)
        super().__init__(*args, **kwargs)

    def display(self, *args, **kwargs) -> None:
        """Shows the bar, or a line if the pause is over."""
        if self.bar:
            super().display(*args, **kwargs)
        elif self.pace.is_due():
            self._write_line()

    def close(self) -> None:
        """Shows the last state, also as a line."""
        if self.bar or self.disable:
            super().close()
            return
        self.disable = True
        self._decr_instances(self)
        if time.time() >= self.start_t + self.delay:
            self._write_line()

    def _write_line(self) -> None:
        facts = {**self.format_dict, 'ncols': None}
        form = '{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}]'
        line = self.format_meter(**{**facts, 'bar_format': form})
        sys.stderr.write(f'{line}\n')
        sys.stderr.flush()
