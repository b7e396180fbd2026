"""True class shares from dense labels, read as their data set reads ids."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_sesam.datasets.class_shares import shares_of

MakeConfig = Callable[..., Config]


def test_shares_of_dense_labels_have_the_ids_of_their_data_set(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    dataset.update(
        type='MappedSegDataset',
        file_classes=['x', 'c', 'b', 'a'],
        other_classes='unlabelled',
    )
    label = np.repeat(np.array([[0, 1, 2, 3]], np.uint8), [4, 1, 2, 5], 1)
    (tmp_path / 'few').mkdir()
    Image.fromarray(label).save(tmp_path / 'few/a.png')

    shares, classes = shares_of(str(tmp_path / 'few'), dataset)

    assert classes == ['a', 'b', 'c']
    np.testing.assert_allclose(shares.values, [5 / 8, 2 / 8, 1 / 8])
    dataset.file_classes = ['a', 'c', 'b']
    with pytest.raises(ValueError, match='a.png holds the id 3, which the'):
        shares_of(str(tmp_path / 'few'), dataset)


def test_shares_of_dense_labels_count_names_of_their_data_set(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    dataset.seg_map_suffix = '_labels.png'
    for name, classes in dict(labels=[0, 1], instances=[2, 2]).items():
        label = Image.fromarray(np.array([classes], np.uint8))
        label.save(tmp_path / f'a_{name}.png')

    shares, _ = shares_of(str(tmp_path), dataset)

    np.testing.assert_allclose(shares.values, [1 / 2, 1 / 2, 0])
    dataset.seg_map_suffix = '_dense.png'
    with pytest.raises(ValueError, match='names end in _dense.png, as seg_ma'):
        shares_of(str(tmp_path), dataset)
