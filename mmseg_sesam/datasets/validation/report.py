"""What a check has found, as a table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prettytable import PrettyTable

from mmseg_sesam.datasets.validation.findings import ERROR, WARNING, Finding


@dataclass(frozen=True)
class Report:
    """What a check has found.

    Attributes:
        findings: errors and warnings.
        summaries: by data set, numbers of images and labels, the share of
            pixels that is labelled, and pixels by class.
    """

    findings: list[Finding]
    summaries: dict[str, dict[str, Any]]

    def number(self, level: str, split: str | None = None) -> int:
        """Counts findings of a level, of all data sets or of one."""
        return sum(
            finding.level == level and split in (None, finding.split)
            for finding in self.findings
        )

    def as_json(self) -> dict[str, Any]:
        """Everything, every file named, as JSON values."""
        return dict(
            errors=self.number(ERROR),
            warnings=self.number(WARNING),
            datasets=self.summaries,
            findings=[finding._asdict() for finding in self.findings],
        )

    def __str__(self) -> str:
        table = PrettyTable(
            [
                *('data set', 'images', 'labels', 'without any class'),
                *('pixels labelled', 'classes', 'errors', 'warnings'),
            ]
        )
        table.align = 'r'
        table.align['data set'] = 'l'
        splits = [*self.summaries, *(f.split for f in self.findings)]
        for split in dict.fromkeys(splits):
            cells = _cells(self.summaries.get(split))
            levels = (self.number(level, split) for level in (ERROR, WARNING))
            table.add_row([split, *cells, *levels])
        findings = sorted(self.findings, key=lambda f: f.level != ERROR)
        lines = [f'{finding.level}: {finding}' for finding in findings]
        return '\n'.join([str(table), *lines])


def _cells(summary: dict[str, Any] | None) -> list[Any]:
    """A row of the table; what is not known stays empty."""
    if summary is None:
        return [''] * 5
    cells = [summary['images'], summary['labels']]
    if not summary['labels']:
        return [*cells, '', '', '']
    pixels = summary['pixels'].values()
    return [
        *cells,
        summary['without_label'],
        f'{summary["labelled"]:.1%}',
        f'{sum(map(bool, pixels))} of {len(pixels)}',
    ]
