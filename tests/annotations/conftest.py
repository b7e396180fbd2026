"""What the tests of annotations share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from label_folders import NAMES
from memory_peak import with_peak
from PIL import Image

from mmseg_sesam.annotations import READERS, convert

Convert = Callable[..., 'dict[str, np.ndarray]']


def read_labels(folder: Path) -> dict[str, np.ndarray]:
    """Labels of a converted folder by key."""
    labels = {}
    for path in sorted(folder.rglob('*.png')):
        with Image.open(path) as image:
            assert image.mode == 'P'
            key = path.relative_to(folder).with_suffix('').as_posix()
            labels[key] = np.array(image)
    return labels


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / 'out'


@pytest.fixture
def labels(out: Path) -> Convert:
    """Convert with a format and its settings; the labels by key."""

    def run(name: str, src: Path, **settings: Any) -> dict[str, np.ndarray]:
        convert(READERS[name](src, **settings), out)
        return read_labels(out)

    return run


@pytest.fixture
def summary(out: Path) -> Callable[[], dict[str, Any]]:
    """The summary of what `labels` converted."""
    return lambda: json.loads((out / 'summary.json').read_text())


@pytest.fixture
def refusal(out: Path) -> Callable[..., str]:
    """Convert what cannot be converted; the one sentence that says why."""

    def run(name: str, src: Path, **settings: Any) -> str:
        with pytest.raises((ValueError, OSError)) as error:
            convert(READERS[name](src, **settings), out)
        said = str(error.value)
        assert '\n' not in said
        assert not (out / 'summary.json').exists()
        return said

    return run


@pytest.fixture
def peak() -> Callable[[Callable[[], Any]], int]:
    """Returns the bytes of memory that a call needs at its peak."""
    return lambda call: with_peak(call)[1]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file: text, JSON values, or an image of an array."""

    def run(name: str, content: Any, **save: Any) -> Path:
        path = tmp_path / 'src' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        elif isinstance(content, (dict, list)):
            path.write_text(json.dumps(content))
        else:
            if not isinstance(content, Image.Image):
                content = Image.fromarray(content)
            content.save(path, **save)
        return path

    return run


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """Label images `NAMES`, the last of them without a labelled pixel."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = tmp_path / f'src/{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        label = rng.choice(np.array([0, 1, 2, 255], np.uint8), (6, 8))
        if name == 'void':
            label[:] = 255
        Image.fromarray(label).save(path)
    return tmp_path / 'src'


@pytest.fixture
def run(src: Path, out: Path) -> Callable[..., dict[str, Any]]:
    """Convert the label images of `src`; the summary."""

    def convert_src(
        jobs: int = 1, to: Path = out, **settings: Any
    ) -> dict[str, Any]:
        return convert(READERS['index-png'](src, **settings), to, jobs)

    return convert_src
