"""ADE20K's class ids from 1."""

from __future__ import annotations

import numpy as np


def test_ade20k_counts_from_one(labels, write, summary):
    """Index n is class n of objectInfo150.txt, and 0 is everything else.

    README of ADEChallengeData2016, http://sceneparsing.csail.mit.edu.
    """
    ids = np.array([[0, 1, 2], [150, 255, 7]], np.uint8)
    src = write('training/ADE_train_1.png', ids).parents[1]
    found = labels('ade20k', src)
    label = found['training/ADE_train_1']
    assert label.tolist() == [[255, 0, 1], [149, 255, 6]]
    classes = summary()['classes']
    assert len(classes) == 150 and classes[0]['name'] == 'wall'
    assert 'reduce_zero_label=False' in summary()['remarks'][0]


def test_ade20k_rejects_further_classes(refusal, write):
    src = write('a.png', np.array([[0, 151]], np.uint8)).parent
    assert 'holds the values [151]' in refusal('ade20k', src)
