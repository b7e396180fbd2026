"""Options of readers."""

from __future__ import annotations

import pytest

from mmseg_sesam.annotations import READERS
from mmseg_sesam.annotations.options import arguments_of


def test_arguments_of_a_reader_have_help_and_default() -> None:
    arguments = dict(arguments_of(READERS['labelme']))
    assert arguments['--width']['default'] == 3
    assert arguments['--width']['help'].endswith('(default: %(default)s)')
    assert arguments['--outside']['choices'] == ('drop', 'clip')
    assert '--src' not in arguments and 'rule' not in arguments['--width']


def test_coco_has_no_width_as_it_has_no_lines() -> None:
    options = dict(arguments_of(READERS['coco']))
    assert '--radius' in options and '--width' not in options


@pytest.mark.parametrize(
    'settings',
    [
        dict(width=0),
        dict(radius=256),
        dict(outside='keep'),
        dict(boxes=None),
        dict(classes=[1]),
        dict(undrawn=3),
        dict(images=''),
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_check_options_names_the_option(tmp_path, settings: dict) -> None:
    (name,) = settings
    said = rf'The format labelme got --{name}=.*, expected '
    with pytest.raises(ValueError, match=said):
        READERS['labelme'](tmp_path, **settings)
