"""The report from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image


@pytest.mark.slow
def test_report_of_a_stock_training(
    run, tiny_config: Path, project_root: Path
) -> None:
    work_dir, root = tiny_config.parent / 'run', tiny_config.parent
    cfg = Config.fromfile(tiny_config)
    cfg.work_dir = str(work_dir)
    Runner.from_cfg(cfg).train()
    # torch copies only large images with several threads, which do not
    # survive a fork: a process would wait for them forever.
    for path in [*root.glob('images/*'), *root.glob('labels/*')]:
        with Image.open(path) as image:
            size = [8 * side for side in image.size]
            image.resize(size, Image.Resampling.NEAREST).save(path)

    done = run(
        *(sys.executable, project_root / 'tools/report.py', work_dir),
        *('--gt-dir', root / 'labels', '--jobs', 2),
        OMP_NUM_THREADS='2',
    )

    assert done.returncode == 0, done.stdout
    page = work_dir / 'report.html'
    assert f'{page}, ' in done.stdout.splitlines()[-1]
    text = page.read_text()
    assert text.startswith('<!DOCTYPE html>')
    assert '"prediction"' in text and '"truth"' in text


def test_report_refuses_wrong_paths(run_here, refusal, tmp_path: Path) -> None:
    done = run_here('report.py', tmp_path)
    assert done.returncode == 1
    text = done.stdout.splitlines()[-1]
    assert text.startswith(f'report: {tmp_path} holds no logs of a training')
    assert not list(tmp_path.iterdir())

    out = tmp_path / 'gone/report.html'
    text = refusal('report.py', tmp_path, '--out', out)
    assert f'--out: {tmp_path}/gone is not a folder' in text
