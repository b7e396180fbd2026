"""The files that a training leaves, and how two trainings differ."""

from __future__ import annotations

import json
from pathlib import Path

import torch


def remains(work: Path) -> dict[str, object]:
    """Returns the content of a work dir without logs, by relative path.

    Folders and times in checkpoints and manifests are left out.
    """
    files: dict[str, object] = {}
    for path in sorted(work.rglob('*')):
        name = path.relative_to(work).as_posix()
        # Logs are in folders that are named by the time.
        if name.startswith('20') or path.is_dir() or name.endswith('.py'):
            continue
        files[name] = _content(path)
    return files


def _content(path: Path) -> object:
    if path.suffix == '.pth':
        checkpoint = torch.load(path, weights_only=True)
        state = checkpoint['state_dict']
        weights = {key: value.tolist() for key, value in state.items()}
        meta = checkpoint['meta']
        return meta['iter'], checkpoint['sesam_round'], weights
    if path.name == 'last_checkpoint':
        return Path(path.read_text()).name
    if path.name == 'manifest.json':
        manifest = json.loads(path.read_text())
        return {k: v for k, v in manifest.items() if k != 'work_dir'}
    return path.read_bytes()


def differences(
    expected: dict[str, object], found: dict[str, object]
) -> list[str]:
    """Returns how the files of two trainings differ; empty if equal."""
    both = [name for name in expected if name in found]
    return [
        *(f'{name} differs' for name in both if expected[name] != found[name]),
        *(f'{name} is missing' for name in expected if name not in found),
        *(f'{name} is an orphan' for name in found if name not in expected),
    ]
