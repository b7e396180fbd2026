"""Findings of checks, and the report of a whole validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from prettytable import PrettyTable

from mmseg_sesam.io.names import name_some

ERROR, WARNING = 'error', 'warning'
_COLUMNS = (
    *('data set', 'images', 'labels', 'without any class'),
    *('pixels labelled', 'classes', 'errors', 'warnings'),
)


class Finding(NamedTuple):
    """One problem of one data set, with all files that have it.

    Attributes:
        level: `ERROR` if training would fail or certainly learn something
            wrong, else `WARNING`.
        split: name of the data set, such as 'train'.
        problem: what was found.
        remedy: what to do about it.
        files: paths, each with details of the problem.
    """

    level: str
    split: str
    problem: str
    remedy: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.files:
            return f'{self.split}: {self.problem}; {self.remedy}.'
        named = f'{len(self.files)}: {name_some(self.files)}'
        return f'{self.split}: {self.problem} ({named}); {self.remedy}.'


@dataclass(frozen=True)
class Report:
    """All findings, as a table and as JSON.

    Attributes:
        findings: errors and warnings.
        summaries: by data set, the numbers of images and labels, the share
            of labelled pixels, and pixels by class.
    """

    findings: list[Finding]
    summaries: dict[str, dict[str, Any]]

    def number(self, level: str, split: str | None = None) -> int:
        """Counts the findings of a level, in all data sets or in one."""
        return sum(
            finding.level == level and split in (None, finding.split)
            for finding in self.findings
        )

    def as_json(self) -> dict[str, Any]:
        """Returns everything as JSON values, every file included."""
        return dict(
            errors=self.number(ERROR),
            warnings=self.number(WARNING),
            datasets=self.summaries,
            findings=[finding._asdict() for finding in self.findings],
        )

    def __str__(self) -> str:
        kinds = {name: s['kind'] for name, s in self.summaries.items()}
        # Most configs have one kind of label, and do not say it.
        says_kinds = any(kinds.values())
        table = PrettyTable([*_COLUMNS, *['kind'] * says_kinds])
        table.align = 'r'
        table.align['data set'] = 'l'
        splits = [*self.summaries, *(f.split for f in self.findings)]
        for split in dict.fromkeys(splits):
            cells = _cells(self.summaries.get(split))
            levels = (self.number(level, split) for level in (ERROR, WARNING))
            kind = [kinds.get(split) or ''] * says_kinds
            table.add_row([split, *cells, *levels, *kind])
        findings = sorted(self.findings, key=lambda f: f.level != ERROR)
        lines = [f'{finding.level}: {finding}' for finding in findings]
        return '\n'.join([str(table), *lines])


def _cells(summary: dict[str, Any] | None) -> list[Any]:
    """Returns a row of the table; unknown values stay empty."""
    if summary is None:
        return [''] * 5
    cells = [summary['images'], summary['labels']]
    if not summary['labels']:
        return [*cells, '', '', '']
    pixels = summary['pixels'].values()
    present = f'{sum(map(bool, pixels))} of {len(pixels)}'
    labelled = f'{summary["labelled"]:.1%}'
    return [*cells, summary['without_label'], labelled, present]
