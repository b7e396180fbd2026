"""The settings of a run."""

from __future__ import annotations

from pathlib import Path

from mmseg_sesam.report.run import read_run
from mmseg_sesam.report.settings import list_settings


def test_list_settings_are_those_of_round_0(work_dir: Path) -> None:
    settings = list_settings(read_run(work_dir))

    assert settings['segmenter'].startswith('SuperpixelSegmenter')
    assert settings['generator'] == 'PseudoLabelGenerator'
    # A default, which no config names.
    assert 'min_reliability=0.8' in settings['selector']


def test_list_settings_names_no_refreshes_of_a_baseline(
    work_dir: Path,
) -> None:
    run = read_run(work_dir)
    assert list_settings(run)['refreshes'].startswith('begin=2')
    hook = run.cfg.default_hooks.pseudo_labels
    for name, value in (('max_rounds', 0), ('enabled', False)):
        run.cfg.default_hooks.pseudo_labels = dict(hook, **{name: value})
        assert list_settings(run)['refreshes'] == 'none'
