"""ScribbleSup's XML files."""

from __future__ import annotations

import numpy as np
import pytest

from mmseg_sesam.annotations.readers.scribblesup import TAGS

XML = """<?xml version="1.0" encoding="utf-8"?>
<annotation>
  <filename>2007_000032.jpg</filename>
  <polygon><tag>background</tag>
    <point><X>2</X><Y>4</Y></point><point><X>20</X><Y>4</Y></point>
  </polygon>
  <polygon><tag>plane</tag>
    <point><X>5</X><Y>12</Y></point><point><X>5</X><Y>20</Y></point>
    <point><X>12</X><Y>20</Y></point>
  </polygon>
</annotation>
"""


def test_scribblesup_draws_open_lines(labels, write, summary):
    """`annotation/polygon` of `tag` and `point/X`, `point/Y`.

    https://jifengdai.org/downloads/scribble_sup/ publishes the files; their
    layout and the tags are those that public readers of them expect, such
    as https://github.com/meng-tang/rloss, convertscribbles.m, which draws
    lines three pixels wide.
    """
    src = write('xml/2007_000032.xml', XML).parent
    images = write('images/2007_000032.jpg', np.zeros((24, 32), np.uint8))
    found = labels('scribblesup', src, images=images.parent)['2007_000032']
    assert found.shape == (24, 32)
    assert (found[3:6, 2:21] == 0).all() and (found[7:11] == 255).all()
    assert (found[12:20, 4:7] == 1).all()
    # Not closed.
    assert found[15, 9] == 255
    drawn = {c['name']: c['files'] for c in summary()['classes']}
    assert drawn['background'] == drawn['aeroplane'] == 1
    assert sum(drawn.values()) == 2


def test_scribblesup_leaves_out_empty_lines(labels, write, summary):
    line = '<polygon><tag>cat</tag></polygon></annotation>'
    src = write('xml/a.xml', XML.replace('</annotation>', line)).parent
    found = labels('scribblesup', src, size=(32, 24))['a']
    assert {*found.ravel().tolist()} == {0, 1, 255}
    (skipped,) = summary()['skipped']
    assert skipped['reason'] == 'unfinished line (points: 0), skipped'
    assert "'cat'" in skipped['names'][0]


def test_scribblesup_tags_have_the_ids_of_voc():
    assert len(TAGS) == 21
    ids = {tag: i for i, tag in enumerate(TAGS)}
    assert [ids[t] for t in ('plane', 'table', 'monitor')] == [1, 11, 20]


def test_scribblesup_width(labels, write):
    src = write('xml/a.xml', XML).parent
    found = labels('scribblesup', src, size=(32, 24), width=1)['a']
    assert (found[4, 2:21] == 0).all() and (found[[3, 5]] == 255).all()


@pytest.mark.parametrize(
    'old, new, said',
    [
        ('plane', 'aeroplane', "the tag 'aeroplane', expected one of"),
        ('<X>12</X>', '<X>1e308</X>', 'the point (1e+308, 20)'),
        ('<X>12</X>', '<X/>', "('', '20')"),
        ('<X>12</X>', '<X>twelve</X>', "('twelve', '20')"),
        ('annotation', 'annotations', 'expected <annotation>'),
        ('</annotation>', '', 'cannot be read as XML'),
    ],
)
def test_scribblesup_rejects_damaged_files(refusal, write, old, new, said):
    src = write('xml/a.xml', XML.replace(old, new)).parent
    found = refusal('scribblesup', src, size=(32, 24))
    assert str(src / 'a.xml') in found and said in found


def test_scribblesup_needs_sizes(refusal, write):
    src = write('xml/a.xml', XML).parent
    assert '--images' in refusal('scribblesup', src)
    said = refusal('scribblesup', src, size=(32, 24), images=src)
    assert '--images and --size are both given' in said
    for width in (0, 300):
        said = refusal('scribblesup', src, size=(32, 24), width=width)
        assert f'--width={width}' in said
    assert '--size gives' in refusal('scribblesup', src, size=(0, -4))
