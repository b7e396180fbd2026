"""The script that checks the package on a GPU, run without one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.gpu_check import main


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, 'argv', ['gpu_check', *map(str, words)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_gpu_check_needs_a_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(monkeypatch, '--json', tmp_path / 'found.json') == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_gpu_check_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / 'found.json'
    words = ['--device', 'cpu', '--small', '--models', 'sam2_1_hiera_t']
    # Without a GPU, --amp is refused.
    words += ['--trainings', 'fp16', 'fp32', '--benchmarks', '--json', out]
    assert run(monkeypatch, *words) == 1
    checks = json.loads(out.read_text())['checks']
    assert {name: check['passed'] for name, check in checks.items()} == {
        'masks of sam2_1_hiera_t': True,
        'training in fp16': False,
        'training in fp32': True,
    }
    assert '--amp needs a GPU' in checks['training in fp16']['error']
    assert checks['masks of sam2_1_hiera_t']['fp32']['equal'] == 1
