"""Counts of the labels of people."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from mmengine.config import Config

from mmseg_sesam.rounds.training_images import TrainingImages
from mmseg_sesam.rounds.weak_shares import count_weak_labels


def test_count_weak_labels_counts_an_image_once_that_is_listed_twice(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    (scribbles / 'list.txt').write_text('deep/2\ndeep/0\ndeep/2\n')
    dataset = make_config().train_dataloader.dataset
    dataset.ann_file = 'list.txt'
    counts = count_weak_labels(TrainingImages(dataset, 0), 3)
    assert counts.tolist() == [2 * 24] * 3
