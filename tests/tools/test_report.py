"""A training and its report from the command line."""

from __future__ import annotations

import sys
from pathlib import Path


def test_reports_a_training_of_stock_parts(
    run, tiny_config: Path, project_root: Path
) -> None:
    work_dir, root = tiny_config.parent / 'run', tiny_config.parent
    tools = project_root / 'tools'
    train = [sys.executable, tools / 'train.py', tiny_config]
    done = run(*train, '--work-dir', work_dir)
    assert done.returncode == 0, done.stdout

    done = run(
        *(sys.executable, tools / 'report.py', work_dir, '--jobs', 1),
        *('--gt-dir', root / 'labels'),
    )

    assert done.returncode == 0, done.stdout
    page = work_dir / 'report.html'
    assert f'{page}, ' in done.stdout.splitlines()[-1]
    text = page.read_text()
    assert text.startswith('<!DOCTYPE html>')
    assert '"prediction"' in text and '"truth"' in text


def test_a_folder_without_a_training(
    run, tmp_path: Path, project_root: Path
) -> None:
    done = run(sys.executable, project_root / 'tools/report.py', tmp_path)
    assert done.returncode == 1
    said = done.stdout.strip().splitlines()[-1]
    assert said.startswith(f'report: {tmp_path} holds no logs of a training')
    assert not list(tmp_path.iterdir())
