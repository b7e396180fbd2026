"""The checkpoint of a work dir is found wherever the folder lies."""

from __future__ import annotations

from pathlib import Path

from mmseg_sesam.engine.work_dir import latest_checkpoint


def make_work_dir(folder: Path, note: str, *names: str) -> Path:
    folder.mkdir()
    (folder / 'last_checkpoint').write_text(note)
    for name in names:
        (folder / name).write_bytes(b'')
    return folder


def test_latest_checkpoint_of_a_copy_is_its_own(tmp_path: Path) -> None:
    note = str(tmp_path / 'first/iter_2.pth')
    make_work_dir(tmp_path / 'first', note, 'iter_2.pth')
    copy = make_work_dir(tmp_path / 'copy', note, 'iter_2.pth')
    assert latest_checkpoint(copy) == copy / 'iter_2.pth'


def test_latest_checkpoint_in_another_folder(tmp_path: Path) -> None:
    note = str(tmp_path / 'out/iter_2.pth')
    work_dir = make_work_dir(tmp_path / 'work', note)
    assert latest_checkpoint(work_dir) == Path(note)


def test_latest_checkpoint_beside_an_empty_note(tmp_path: Path) -> None:
    names = 'iter_9.pth', 'iter_10.pth', 'best_mIoU_iter_11.pth'
    work_dir = make_work_dir(tmp_path / 'work', '', *names)
    assert latest_checkpoint(work_dir) == work_dir / 'iter_10.pth'


def test_latest_checkpoint_of_an_empty_folder_is_none(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path) is None
