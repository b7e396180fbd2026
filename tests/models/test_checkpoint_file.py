"""Weights that a checkpoint must have for predictions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mmseg_sesam.models.checkpoint_file import (
    TEACHER,
    TRAINING,
    read_weights,
)

from .steps import MakeConfig, auxiliary, build


def test_read_weights_needs_those_of_the_student_alone(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    model = build(make_config(auxiliary_head=auxiliary(2)))
    path = str(tmp_path / 'student.pth')
    parts = ('backbone.', 'decode_head.')
    student = {
        f'module.{name}': value
        for name, value in model.state_dict().items()
        # Converters leave the counters out.
        if name.startswith(parts) and 'num_batches' not in name
    }
    torch.save(dict(state_dict=student, meta=dict(seed=1)), path)

    weights, meta = read_weights(model, path, (*TEACHER, *TRAINING))
    assert len(weights) == len(student)
    assert meta == dict(seed=1)

    with pytest.raises(ValueError, match='student.pth lacks .* teacher'):
        read_weights(model, path, TRAINING)
