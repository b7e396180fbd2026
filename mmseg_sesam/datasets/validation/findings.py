"""What a check has to say."""

from __future__ import annotations

from typing import NamedTuple

from mmseg_sesam.io.names import printable

ERROR, WARNING = 'error', 'warning'
_NAMED = 3


class Finding(NamedTuple):
    """One problem of one data set, and all files that have it.

    Attributes:
        level: `ERROR` where training would fail or learn something wrong
            for certain, else `WARNING`.
        split: name of the data set, such as 'train'.
        problem: what was found.
        remedy: what to do about it.
        files: those that have it, each with what was found in it.
    """

    level: str
    split: str
    problem: str
    remedy: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.files:
            return f'{self.split}: {self.problem}; {self.remedy}.'
        named = ', '.join(map(printable, self.files[:_NAMED]))
        more = len(self.files) - _NAMED
        if more > 0:
            named += f' and {more} more'
        return (
            f'{self.split}: {self.problem} ({len(self.files)}: {named}); '
            f'{self.remedy}.'
        )
