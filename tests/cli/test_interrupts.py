"""Tools that a person interrupts, within one process."""

from __future__ import annotations

import pytest

from mmseg_sesam.cli.interrupts import interruptible


def test_interruptible_ends_with_one_sentence() -> None:
    with pytest.raises(SystemExit) as stop, interruptible('draw', 'go on'):
        raise KeyboardInterrupt
    assert stop.value.code == 'draw: interrupted; go on.'
