"""Converting again after an interruption, or after a file was damaged."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from label_folders import NAMES, content, state
from PIL import Image

from mmseg_sesam.annotations import READERS, ConversionError, convert
from mmseg_sesam.annotations.convert import SUMMARY
from mmseg_sesam.annotations.journal import JOURNAL


def test_convert_continues_a_run_cut_off_at_any_line(run, out, tmp_path):
    run()
    whole = content(out)
    lines = whole[JOURNAL].splitlines(keepends=True)
    for cut in range(1, len(lines) + 1):
        (out / SUMMARY).unlink(missing_ok=True)
        cut_off = b''.join(lines[:cut])[: -7 if cut > 1 else None]
        (out / JOURNAL).write_bytes(cut_off)
        done = [json.loads(line)['key'] for line in lines[1 : cut - 1]]
        for name in NAMES:
            if name not in done:
                (out / f'{name}.png').unlink(missing_ok=True)
        # What an interrupted write leaves behind.
        left = out / 'town/.a.png.0.part'
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b'half')
        os.utime(left, (0, 0))
        before = {name: s for name, s in state(out).items() if 'png' in name}
        run()
        assert content(out) == whole
        for name in done:
            assert state(out)[f'{name}.png'] == before[f'{name}.png']


@pytest.mark.parametrize('recorded', [False, True])
def test_convert_takes_a_label_that_an_interrupted_run_wrote(
    run, src, out, recorded
):
    """The photo's annotation was corrected after the interruption."""
    run()
    header, *records = (out / JOURNAL).read_text().splitlines()
    if not recorded:
        records = [r for r in records if json.loads(r)['key'] != 'b']
    begun = json.dumps(dict(begun=['b']))
    (out / JOURNAL).write_text('\n'.join((header, *records, begun)))
    Image.new('L', (8, 6), 1).save(out / 'b.png')
    Image.new('L', (8, 6), 2).save(src / 'b.png')

    run()

    assert (np.array(Image.open(out / 'b.png')) == 2).all()
    assert 'begun' not in (out / JOURNAL).read_text()


@pytest.fixture
def interrupt(run, monkeypatch):
    """Converts, and interrupts at b after a call."""

    def interrupt_run(leave=lambda: None):
        reader = READERS['index-png']
        read = reader.read

        def interrupted(self, item):
            if item.key == 'b':
                leave()
                raise KeyboardInterrupt
            return read(self, item)

        with monkeypatch.context() as patch:
            patch.setattr(reader, 'read', interrupted)
            with pytest.raises(KeyboardInterrupt):
                run()

    return interrupt_run


def test_convert_says_in_its_journal_which_labels_it_may_have_written(
    interrupt, out
):
    found = []
    # As a power cut would leave it.
    interrupt(lambda: found.append((out / JOURNAL).read_text()))

    _, begun, *records = map(json.loads, found[0].splitlines())
    assert {*begun['begun']} == {*NAMES}
    assert [record['key'] for record in records] == ['a']


def test_convert_keeps_an_edited_label_that_an_interrupted_run_left(
    interrupt, run, src, out
):
    run()
    for path in src.rglob('*.png'):
        os.utime(path, (0, 0))
    interrupt()
    Image.new('L', (8, 6), 1).save(out / 'void.png')
    own = (out / 'void.png').read_bytes()

    with pytest.raises(ConversionError, match='void.png is not as this tool'):
        run()

    assert (out / 'void.png').read_bytes() == own


def test_convert_replaces_a_label_that_an_interrupted_run_wrote_last(
    interrupt, run, src, out
):
    # Another process wrote it, and its record is missing.
    interrupt(lambda: Image.new('L', (8, 6), 1).save(out / 'b.png'))
    Image.new('L', (8, 6), 2).save(src / 'b.png')

    run()

    assert (np.array(Image.open(out / 'b.png')) == 2).all()


def test_convert_makes_begun_labels_again_whose_files_are_as_before(run, out):
    run()
    begun = json.dumps(dict(begun=['b']))
    with (out / JOURNAL).open('a') as file:
        file.write(f'{begun}\n')
    before = (out / 'b.png').read_bytes()
    Image.new('L', (8, 6), 1).save(out / 'b.png')

    run()

    assert (out / 'b.png').read_bytes() == before


def test_convert_takes_its_own_label_after_its_file_was_damaged(src, out):
    reader = READERS['index-png'](src)
    convert(reader, out)
    whole = (src / 'b.png').read_bytes()
    header, *records = (out / JOURNAL).read_text().splitlines()
    records = [r for r in records if json.loads(r)['key'] != 'b']
    begun = json.dumps(dict(begun=['b']))
    (out / JOURNAL).write_text('\n'.join((header, *records, begun)))
    (src / 'b.png').write_bytes(b'damaged')
    with pytest.raises(ConversionError):
        convert(reader, out)
    Image.new('L', (8, 6), 2).save(src / 'b.png')
    assert (src / 'b.png').read_bytes() != whole

    convert(reader, out)

    assert (np.array(Image.open(out / 'b.png')) == 2).all()


def test_convert_keeps_what_replaces_the_label_of_a_damaged_file(src, out):
    (src / 'b.png').write_bytes(b'damaged')
    with pytest.raises(ConversionError):
        convert(READERS['index-png'](src), out)
    Image.new('L', (8, 6), 1).save(out / 'b.png')
    own = (out / 'b.png').read_bytes()
    Image.new('L', (8, 6), 2).save(src / 'b.png')

    with pytest.raises(ConversionError, match='b.png is not as this tool'):
        convert(READERS['index-png'](src), out)

    assert (out / 'b.png').read_bytes() == own
