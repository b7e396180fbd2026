"""Sources of labels and their options."""

from __future__ import annotations

import pytest

from mmseg_sesam.structures import HUMAN_FIELD, LabelSource


@pytest.mark.parametrize('name', ['weak_loss', 'weak-label', 3])
def test_label_source_rejects_names_that_logs_cannot_have(
    name: object,
) -> None:
    with pytest.raises(ValueError, match="expected a name .* without 'loss'"):
        LabelSource(name, HUMAN_FIELD)
