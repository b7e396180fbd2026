"""Checkpoints that are read, and those that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg_sesam.compat import loads_safely
from mmseg_sesam.models.checkpoint_file import (
    TEACHER,
    TRAINING,
    read_checkpoint,
    select_weights,
)

from .steps import MakeConfig, auxiliary, build


def test_select_weights_needs_those_of_the_student_alone(
    make_config: MakeConfig,
) -> None:
    model = build(make_config(auxiliary_head=auxiliary(2)))
    path = 'student.pth'
    parts = ('backbone.', 'decode_head.')
    student = {
        f'module.{name}': value
        for name, value in model.state_dict().items()
        # Converters leave the counters out.
        if name.startswith(parts) and 'num_batches' not in name
    }
    checkpoint = dict(state_dict=student)

    weights = select_weights(model, checkpoint, path, (TEACHER, *TRAINING))
    assert len(weights) == len(student)

    with pytest.raises(ValueError, match='student.pth lacks .* teacher'):
        select_weights(model, checkpoint, path, TRAINING)


@pytest.mark.parametrize(
    'content',
    [
        [1],
        dict(state_dict=[1]),
        dict(state_dict={1: torch.ones(1)}),
        dict(state_dict={}, meta=[1]),
        dict(state_dict={}, hook=print),
        None,
        b'',
    ],
    ids=['list', 'no-weights', 'no-names', 'meta', 'code', 'cut', 'empty'],
)
@pytest.mark.parametrize('address', [False, True], ids=['file', 'address'])
@pytest.mark.skipif(not loads_safely(), reason='torch before 2.6')
def test_read_checkpoint_names_a_file_that_is_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: Any,
    address: bool,
) -> None:
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    path = tmp_path / 'hub/checkpoints/some.pth'
    path.parent.mkdir(parents=True)
    torch.save(content or dict(state_dict={}), path)
    if content is None:
        path.write_bytes(path.read_bytes()[:-40])
    if content == b'':
        path.write_bytes(content)
    # The server is not asked for a file in the cache.
    name = 'https://weights.invalid/some.pth' if address else str(path)
    remedy = 'give a checkpoint that tools/train.py wrote'
    if address:
        remedy = f'remove its copy in {path.parent}, if there is one'

    with pytest.raises(ValueError) as error:
        read_checkpoint(name)

    said = str(error.value)
    assert said.startswith(f'{name} is no checkpoint that can be loaded')
    assert f'; {remedy}' in said
    assert '\n' not in said and '()' not in said


@pytest.mark.parametrize('name', ['gone.pth', 'http://127.0.0.1:9/gone.pth'])
def test_read_checkpoint_names_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(ValueError, match=f'{name} cannot be read .*; give'):
        read_checkpoint(name)


def test_select_weights_refuses_values_that_are_no_weights(
    make_config: MakeConfig,
) -> None:
    model = build(make_config())
    texts = dict.fromkeys(model.state_dict(), 'x')
    with pytest.raises(ValueError, match='lacks .* weights'):
        select_weights(model, texts, 'texts.pth', (TEACHER, *TRAINING))
