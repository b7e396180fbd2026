"""Labels of an earlier conversion that make way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.annotations import READERS, convert


@pytest.fixture
def src(tmp_path: Path) -> Path:
    folder = tmp_path / 'src'
    folder.mkdir()
    for value, name in enumerate('abc'):
        Image.fromarray(np.full((4, 6), value, np.uint8)).save(
            folder / f'{name}.png'
        )
    return folder


def renew(src: Path, out: Path, **settings: object) -> list[str]:
    """Converts again; returns the names of all labels."""
    convert(READERS['index-png'](src, **settings), out, renew=lambda: None)
    return sorted(path.stem for path in out.glob('*.png'))


def test_load_written_renews_labels_of_other_annotations(src, out) -> None:
    renew(src, out)
    kept = (out / 'a.png').stat().st_mtime_ns
    (src / 'b.png').rename(src / 'd.png')

    assert renew(src, out) == ['a', 'c', 'd']
    assert (out / 'a.png').stat().st_mtime_ns == kept
    # Nothing is left of the earlier annotations.
    convert(READERS['index-png'](src), out)


def test_load_written_renews_labels_of_other_settings(src, out) -> None:
    renew(src, out)

    renew(src, out, unlabelled=(1,))

    assert (np.array(Image.open(out / 'b.png')) == 255).all()


def test_load_written_renews_labels_that_an_interruption_left(src, out):
    renew(src, out)
    journal = out / 'conversion.jsonl'
    header, *_ = journal.read_text().splitlines()
    begun = json.dumps(dict(begun=['a', 'b', 'c']))
    journal.write_text(f'{header}\n{begun}\n')

    renew(src, out, unlabelled=(1,))

    assert (np.array(Image.open(out / 'b.png')) == 255).all()


def test_load_written_keeps_a_label_that_no_run_wrote(src, out):
    renew(src, out)
    Image.new('L', (6, 4), 2).save(out / 'd.png')
    own = (out / 'd.png').read_bytes()
    (src / 'c.png').rename(src / 'd.png')

    with pytest.raises(ValueError, match='d.png is not as this tool wrote'):
        renew(src, out, unlabelled=(1,))

    assert (out / 'd.png').read_bytes() == own


def test_load_written_keeps_labels_that_somebody_changed(src, out) -> None:
    renew(src, out)
    Image.new('L', (6, 4), 2).save(out / 'b.png')
    changed = (out / 'b.png').read_bytes()

    with pytest.raises(ValueError, match='b.png is not as this tool wrote'):
        renew(src, out, unlabelled=(1,))

    assert (out / 'b.png').read_bytes() == changed
    assert (out / 'a.png').is_file()


def test_load_written_calls_before_labels_get_other_settings(src, out) -> None:
    seen = []

    def look() -> None:
        seen.append(sorted(path.stem for path in out.glob('*.png')))

    for unlabelled in ((), (), (1,)):
        reader = READERS['index-png'](src, unlabelled=unlabelled)
        convert(reader, out, renew=look)

    assert seen == [['a', 'b', 'c']]
