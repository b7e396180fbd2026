"""The record of a folder: whether the files in it were made alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmseg_sesam.cli.folder_record import check_record


def test_check_record_refuses_another_record(tmp_path: Path) -> None:
    path = tmp_path / 'out/record.json'
    check_record(path, dict(seed=0))
    check_record(path, dict(seed=0))
    with pytest.raises(ValueError, match='seed=0, and now seed is 1; give'):
        check_record(path, dict(seed=1))


def test_check_record_refuses_a_folder_without_a_record(
    tmp_path: Path,
) -> None:
    (tmp_path / 'mine.txt').write_text('')
    with pytest.raises(ValueError, match=r'has no record\.json of an earlier'):
        check_record(tmp_path / 'record.json', {})
