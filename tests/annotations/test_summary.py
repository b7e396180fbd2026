"""What a conversion says in the end."""

from __future__ import annotations

import numpy as np
import pytest

from mmseg_sesam.annotations.summary import class_table, remarks


@pytest.fixture
def converted(labels, write, summary):
    """Two labels of 30 classes, one of them of void."""
    label = np.full((10, 10), 255, np.uint8)
    src = write('src/void.png', label).parent
    label[:5] = 7
    write('src/a.png', label)
    labels('index-png', src, classes=[f'class{i}' for i in range(30)])
    return summary()


def test_class_table_has_the_classes_with_pixels(converted):
    (row,) = class_table(converted).rows
    assert row == [7, 'class7', 1, '25.00%']


def test_remarks_name_absent_classes_and_omitted_things(
    converted,
):
    absent, void = remarks(converted)
    assert absent.startswith("Classes without a pixel, 29 of 30: 'class0', ")
    assert "'class20' and 9 more; a network cannot learn them" in absent
    assert void == '1 x label without a labelled pixel, such as void'
