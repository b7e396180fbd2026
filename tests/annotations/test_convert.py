"""Converting whole data sets: again, with damaged files, in parallel."""

from __future__ import annotations

import importlib
import json
import os
import signal

import numpy as np
import pytest
from label_folders import NAMES, content, state
from PIL import Image

from mmseg_sesam.annotations import READERS, ConversionError, convert
from mmseg_sesam.annotations.convert import SUMMARY
from mmseg_sesam.annotations.journal import JOURNAL


def test_convert_summarises_the_labels(run, src, out):
    summary = run(classes=['zero', 'one', 'two', 'three'])
    assert summary == json.loads((out / SUMMARY).read_text())
    labels = {
        name: np.array(Image.open(src / f'{name}.png')) for name in NAMES
    }
    values = np.concatenate([label.ravel() for label in labels.values()])
    assert summary['files'] == 5 and summary['pixels'] == 240
    assert summary['labelled'] == pytest.approx((values != 255).mean())
    for entry, name in zip(
        summary['classes'], ['zero', 'one', 'two', 'three']
    ):
        index = entry['id']
        assert entry['name'] == name
        assert entry['pixels'] == (values == index).sum()
        assert entry['files'] == sum(
            (label == index).any() for label in labels.values()
        )
    assert len(summary['classes']) == 4
    (skipped,) = summary['skipped']
    assert 'without a labelled pixel' in skipped['reason']
    assert skipped['names'] == ['void']
    assert summary['settings']['format'] == 'index-png'


def test_convert_again_changes_nothing(run, out):
    summary = run()
    before = state(out)
    assert {*before} == {f'{n}.png' for n in NAMES} | {SUMMARY, JOURNAL}
    assert run() == summary
    assert state(out) == before


def test_convert_with_any_number_of_processes(run, out, tmp_path):
    run()
    run(jobs=2, to=tmp_path / 'out2')
    assert content(out) == content(tmp_path / 'out2')


def test_convert_writes_a_deleted_label_again(run, out):
    run()
    before = state(out)
    (out / 'town/a.png').unlink()
    run()
    after = state(out)
    for name in ('town/a.png', JOURNAL, SUMMARY):
        assert after.pop(name)[0] == before.pop(name)[0]
    assert after == before


def test_convert_reads_a_corrected_annotation_again(run, src, out):
    run()
    before = state(out)
    Image.fromarray(np.full((6, 8), 2, np.uint8)).save(src / 'b.png')
    run()
    after = state(out)
    assert (np.array(Image.open(out / 'b.png')) == 2).all()
    unchanged = {'a.png', 'town/a.png', 'town/deep/c.v1.png', 'void.png'}
    assert {k: after[k] for k in unchanged} == {
        k: before[k] for k in unchanged
    }


@pytest.mark.parametrize('jobs', [1, 2])
def test_convert_keeps_a_label_that_somebody_changed(src, out, jobs):
    reader = READERS['index-png'](src)
    convert(reader, out, jobs)
    Image.new('L', (8, 6), 1).save(out / 'b.png')
    changed = (out / 'b.png').read_bytes()
    for name in ('a.png', 'b.png'):
        os.utime(src / name, (0, 0))

    with pytest.raises(ConversionError, match='b.png is not as this tool'):
        convert(reader, out, jobs)

    assert (out / 'b.png').read_bytes() == changed
    (out / 'b.png').unlink()
    convert(reader, out, jobs)
    assert (out / 'b.png').read_bytes() != changed


def test_convert_keeps_a_label_without_a_record(run, src, out):
    run()
    Image.new('L', (8, 6), 2).save(src / 'new.png')
    Image.new('L', (8, 6), 1).save(out / 'new.png')
    own = (out / 'new.png').read_bytes()

    with pytest.raises(ConversionError, match='new.png is not as this tool'):
        run()

    assert (out / 'new.png').read_bytes() == own


def test_convert_reads_again_after_an_edit_of_the_reader(
    src, out, tmp_path, monkeypatch
):
    path = tmp_path / 'edited_reader.py'
    code = (
        'from mmseg_sesam.annotations.readers import index_png\n'
        'class Reader(index_png.IndexPngReader):\n'
        '    def read(self, item):\n'
        '        annotation = super().read(item)\n'
        '        annotation.label[:] = {}\n'
        '        return annotation\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    path.write_text(code.format(1))
    module = importlib.import_module('edited_reader')
    convert(module.Reader(src), out)
    before = state(out)
    assert convert(module.Reader(src), out) and state(out) == before

    # Another length, so that Python does not load the earlier byte code.
    path.write_text(code.format(22))
    convert(importlib.reload(module).Reader(src), out)

    assert np.unique(Image.open(out / 'a.png')).tolist() == [22]


def test_convert_rejects_an_annotation_damaged_later(run, src, out):
    run()
    (src / 'b.png').write_bytes(b'')
    with pytest.raises(ConversionError, match='b.png'):
        run()
    assert not (out / SUMMARY).exists()


def test_convert_writes_the_others_of_damaged_annotations(run, src, out):
    good = (src / 'b.png').read_bytes()
    (src / 'b.png').write_bytes(good[:40])
    (src / 'town/a.png').write_bytes(b'')
    with pytest.raises(ConversionError) as error:
        run()
    assert len(error.value.sentences) == 2
    for sentence, name in zip(error.value.sentences, ('b.png', 'town/a.png')):
        assert str(src / name) in sentence
    assert not (out / SUMMARY).exists()
    labels = {path.name for path in out.rglob('*.png')}
    assert labels == {'a.png', 'c.v1.png', 'void.png'}
    for name in ('b.png', 'town/a.png'):
        (src / name).write_bytes(good)
    assert run()['files'] == 5
    assert len([*out.rglob('*.png')]) == 5


def test_convert_rejects_another_setting_by_name(run, out):
    run(unlabelled=[2])
    before = state(out)
    with pytest.raises(ValueError) as error:
        run(unlabelled=[1])
    said = str(error.value)
    assert str(out) in said and 'unlabelled=[2]' in said
    assert 'unlabelled=[1]' in said and 'new folder' in said
    assert state(out) == before


def test_convert_names_the_turn_of_a_photo(tmp_path, out):
    for folder, image in (
        ('src', Image.new('L', (8, 6))),
        ('photos', Image.new('RGB', (8, 6))),
    ):
        (tmp_path / folder).mkdir()
        exif = Image.Exif()
        if folder == 'photos':
            exif[0x0112] = 6
        image.save(tmp_path / folder / 'a.png', exif=exif)
    reader = READERS['index-png'](tmp_path / 'src', tmp_path / 'photos')
    with pytest.raises(ConversionError, match='8 x 6.*6 x 8.*EXIF'):
        convert(reader, out)


def test_convert_overwrites_nothing(run, src, out, tmp_path):
    out.mkdir()
    (out / 'mine.txt').write_text('mine')
    with pytest.raises(ValueError, match='nothing in it shall be overwrit'):
        run()
    assert content(out) == {'mine.txt': b'mine'}
    file = tmp_path / 'file'
    file.write_text('mine')
    with pytest.raises(ValueError, match='give a new folder'):
        run(to=file)
    before = state(src)
    for other in (src, src / 'out', tmp_path, src / '../src/town'):
        with pytest.raises(ValueError, match='lie within each other'):
            run(to=other)
    assert state(src) == before


def test_convert_names_annotations_that_are_gone(run, src, out):
    run()
    (src / 'town/a.png').unlink()
    with pytest.raises(
        ValueError, match='1 annotations that are gone.*town/a'
    ):
        run()


class DyingReader(READERS['index-png']):
    """Its process ends at one file, as if the system had no memory left."""

    def read(self, item):
        if item.key == 'town/a':
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(item)


@pytest.mark.parametrize('jobs', [1, 2])
def test_convert_names_a_file_that_ends_its_process(src, out, jobs):
    reader = DyingReader(src)
    reader.fragile = True
    with pytest.raises(ConversionError) as error:
        convert(reader, out, jobs)
    (said,) = error.value.sentences
    assert str(src / 'town/a.png') in said and 'ends the process' in said
    assert not (out / SUMMARY).exists()
    assert len([*out.rglob('*.png')]) == len(NAMES) - 1


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read every file')
def test_convert_names_a_file_without_permission(run, src):
    (src / 'b.png').chmod(0)
    with pytest.raises(ConversionError, match='b.png'):
        run()


def test_convert_remarks_on_classes_without_a_label(run):
    names = ['zero', 'one', 'two', 'three', *(f'c{i}' for i in range(9))]
    (remark,) = run(classes=names)['remarks']
    assert "'three', 'c0'" in remark and "'two'" not in remark
    assert remark.startswith('Classes without a pixel, 10 of 13: ')
