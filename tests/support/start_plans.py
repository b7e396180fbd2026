"""Plans of tools/start.py for a machine with one core."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mmseg_sesam.start.machine import Machine
from mmseg_sesam.start.start import Request, Start, prepare

BASES = Path(__file__).resolve().parents[2] / 'configs/_base_'
CPU = Machine(1, 0)


def plan(request: Request, **changes: object) -> Start:
    return prepare(replace(request, **changes), BASES, CPU)
