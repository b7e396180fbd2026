"""Settings that differ since a checkpoint was saved."""

from __future__ import annotations

from mmengine.config import Config

from mmseg_sesam.cli.changed_settings import changed_settings


def test_changed_settings_names_old_and_new_values() -> None:
    steps = [dict(type='RandomCrop', crop_size=(64, 64)), dict(type='Pack')]
    before = Config(dict(lr=1e-2, pipeline=steps, names={0: 'cat'}, amp=True))
    now = Config(dict(lr=1e-3, pipeline=steps[:1], names={0: 'dog'}))

    assert changed_settings(before.pretty_text, now) == (
        'amp was True and is (not there), lr was 0.01 and is 0.001, '
        "names.0 was 'cat' and is 'dog', "
        "pipeline.1.type was 'Pack' and is (not there)"
    )


def test_changed_settings_passes_over_what_a_checkpoint_replaces() -> None:
    backbone = dict(type='ResNet', pretrained='torchvision://resnet50')
    before = Config(dict(work_dir='here', model=dict(backbone=backbone)))
    now = Config(dict(work_dir='there', model=dict(backbone=backbone)))
    now.model.backbone.pretrained = None

    assert changed_settings(before.pretty_text, now) == ''


def test_changed_settings_runs_no_code() -> None:
    noted = "lr = print('ran') or 1\n"

    said = changed_settings(noted, Config(dict(lr=1)))

    assert said == """lr was "print('ran') or 1" and is 1"""


def test_changed_settings_is_silent_where_a_text_is_no_python() -> None:
    assert changed_settings('lr = <object>', Config(dict(lr=1))) == ''
