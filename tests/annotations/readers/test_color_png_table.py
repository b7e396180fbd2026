"""Tables of colours, as tools and people write them."""

from __future__ import annotations

import json

import pytest

from mmseg_sesam.annotations.readers.color_png import read_colour_table

TABLE = [('road', (128, 64, 128)), ('traffic light', (250, 170, 30))]


@pytest.mark.parametrize(
    'form',
    ['{n},{r},{g},{b}', '{n}, {r}, {g}, {b}', '"{n}",{r},{g},{b}']
    + ['{n} = {r}:{g}:{b}', '{n} {r} {g} {b}', '{n}:{r},{g},{b}::']
    + ['{n}: [{r}, {g}, {b}]', '{n};{r};{g};{b}', '{n}\t{r}\t{g}\t{b}']
    + ['{r} {g} {b} {n}', '{r} {g} {b}\t\t{n}', '{r},{g},{b},{n}']
    + ['({r}, {g}, {b}) {n}', '{n} #{r:02x}{g:02x}{b:02x}']
    + ['{n},#{r:02X}{g:02X}{b:02X}', '#{r:02x}{g:02x}{b:02x} {n}']
    + ['{n} = #{r:02x}{g:02x}{b:02x}', '  {n}:{r},{g},{b}:parts:actions'],
)
def test_read_colour_table_of_lines(write, form):
    lines = [form.format(n=name, r=r, g=g, b=b) for name, (r, g, b) in TABLE]
    path = write('table.txt', '\n'.join(['# 1 2 3 was Road', *lines, '']))
    assert read_colour_table(path) == TABLE


@pytest.mark.parametrize('indent', [None, 1])
@pytest.mark.parametrize(
    'content',
    [
        {name: list(rgb) for name, rgb in TABLE},
        {'road': '#804080', 'traffic light': '250,170,30'},
        [dict(name=name, color=list(rgb), id=3) for name, rgb in TABLE],
        [
            dict(name='road', color='#804080', attributes=[]),
            dict(name='traffic light', color='#faaa1e', attributes=[]),
        ],
    ],
)
def test_read_colour_table_of_json(write, content, indent):
    path = write('table.json', json.dumps(content, indent=indent))
    assert read_colour_table(path) == TABLE


@pytest.mark.parametrize(
    'text, said',
    [
        ('road,128,64,128\nLevel 2,1,2,3', 'line 2 is'),
        ('road,128,64,128\n3,1,2,3,cat', 'line 2 is'),
        ('road,128,64,128\ncat,1,2', 'line 2 is'),
        ('road,128,64,128\ncat,#12345', 'line 2 is'),
        ('road,128,64,128\ncat: {r: 1, g: 2, b: 3}', 'line 2 is'),
        ('road,128,64,128\ncat 1 2 3 dog', 'line 2 is'),
        ('road,128,64,128\n1 2 3 255 cat', 'line 2 is'),
        ('cat,1,2,300', 'the colour (1, 2, 300)'),
        ('cat,1,2,3\ndog,1,2,3', "(1, 2, 3) to 'dog'"),
        ('road,128,64,128\ncat,0.1,0.2,0.3', 'line 2 is'),
        ("{'cat': (1, 2, 3)}", 'line 1 begins JSON'),
        ('{"cat": [1, 2]}', "'cat' is '1,2'"),
        ('{"cat": [1, 2, 300]}', '(1, 2, 300)'),
        ('{"cat": [0.5, 0.5, 0.5]}', "'cat' is"),
        ('{"1,2,3": "cat"}', "'1,2,3' is 'cat'"),
        ('{"cat": 3}', 'cat'),
        ('[[1, 2, 3]]', 'expected an object of colours'),
        ('{"cat": [1, 2, 3], "dog": [1, 2, 3]}', "(1, 2, 3) to 'dog'"),
        ('name,r,g,b\n', 'holds no colour'),
        ('#800000', "to ''"),
    ],
)
def test_read_colour_table_rejects_other_tables(write, text, said):
    path = write('table.txt', text)
    with pytest.raises(ValueError) as error:
        read_colour_table(path)
    assert str(path) in str(error.value) and said in str(error.value)
    assert 'expected' in str(error.value)


def test_read_colour_table_rejects_bytes(tmp_path):
    path = tmp_path / 'table.txt'
    path.write_bytes(b'\x89PNG\r\n\xff\xff')
    with pytest.raises(ValueError, match='cannot be read as text'):
        read_colour_table(path)
