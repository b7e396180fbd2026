"""Kinds of labels, by the config and by the built data set."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from mixed import loader_of, mix
from mmengine.config import Config
from mmengine.fileio.backends import LocalBackend, register_backend
from mmseg.registry import DATASETS
from torch.utils.data import Dataset, Subset

from mmseg_sesam.datasets.label_kinds import image_kinds, kind_of_steps
from mmseg_sesam.datasets.pipeline_configs import iterate_leaves

MakeConfig = Callable[..., Config]


def kinds_of(dataset: dict) -> list[str | None]:
    return image_kinds(DATASETS.build(dataset))


def test_image_kinds_without_a_kind_are_none(make_config: MakeConfig) -> None:
    dataset = make_config().train_dataloader.dataset
    assert kinds_of(dataset) == [None] * 3
    assert kind_of_steps(dataset.pipeline) is None


def test_image_kinds_of_joined_data_sets(make_config: MakeConfig) -> None:
    dataset = mix(make_config()).train_dataloader.dataset
    kinds = ['dense', 'scribble', 'none']
    assert [kind_of_steps(s) for _, s in iterate_leaves(dataset)] == kinds
    twice = dict(type='RepeatDataset', times=2, dataset=dataset)
    mixed = dict(type='MultiImageMixDataset', pipeline=[], dataset=twice)
    assert kinds_of(mixed) == kinds * 2


class Reversed(Dataset):
    """The last images of a data set, from the end."""

    def __init__(self, dataset: Dataset, number: int) -> None:
        self.dataset = dataset
        self.number = number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> dict:
        return self.dataset[-1 - index]


def test_image_kinds_of_subset_are_those_of_its_images(
    make_config: MakeConfig,
) -> None:
    built = DATASETS.build(mix(make_config()).train_dataloader.dataset)
    subset = Subset(built, [2, 0])
    found = [sample['data_samples'].label_kind for sample in subset]
    assert image_kinds(subset) == found == ['none', 'dense']


def test_image_kinds_refuses_wrapper_that_hides_its_images(
    make_config: MakeConfig,
) -> None:
    built = DATASETS.build(mix(make_config()).train_dataloader.dataset)
    with pytest.raises(ValueError, match='Reversed has 2 images of 3 .*`ind'):
        image_kinds(Reversed(built, 2))


def test_image_kinds_looks_for_files_where_they_may_be_missing(
    make_config: MakeConfig, scribbles: Path
) -> None:
    (scribbles / 'weak/deep/1.png').unlink()
    dataset = make_config().train_dataloader.dataset
    loader_of(dataset).update(kind='point', unlabelled='allow')
    assert kinds_of(dataset) == ['point', 'none', 'point']


@register_backend('elsewhere', force=True)
class Elsewhere(LocalBackend):
    """Has the files of `weak` in another folder."""

    def get(self, filepath: str) -> bytes:
        return super().get(filepath.replace('/weak/', '/elsewhere/'))

    def isfile(self, filepath: str) -> bool:
        return super().isfile(filepath.replace('/weak/', '/elsewhere/'))


def test_image_kinds_looks_for_files_where_labels_are_read(
    make_config: MakeConfig, scribbles: Path
) -> None:
    (scribbles / 'weak/deep/1.png').unlink()
    (scribbles / 'weak').rename(scribbles / 'elsewhere')
    dataset = make_config().train_dataloader.dataset
    backend = dict(backend='elsewhere')
    loader_of(dataset).update(
        kind='point', unlabelled='allow', backend_args=backend
    )
    built = DATASETS.build(dataset)
    found = [sample['data_samples'].label_kind for sample in built]
    assert image_kinds(built) == found == ['point', 'none', 'point']


@pytest.mark.parametrize(
    ('simulated', 'kind'), [('block', 'coarse'), ('grid_points', 'point')]
)
def test_image_kinds_of_simulated_labels(
    make_config: MakeConfig, scribbles: Path, simulated: str, kind: str
) -> None:
    dataset = make_config().train_dataloader.dataset
    dataset.data_prefix.seg_map_path = 'dense'
    loader_of(dataset).kind = 'dense'
    step = dict(
        type='SimulateWeakLabel', kind=simulated, data_root=str(scribbles)
    )
    dataset.pipeline.insert(2, step)
    assert kinds_of(dataset) == [kind] * 3
    assert kind_of_steps(dataset.pipeline) == kind
    built = DATASETS.build(dataset)
    assert built[0]['data_samples'].label_kind == kind

    loader_of(dataset).kind = 'none'
    assert kinds_of(dataset) == ['none'] * 3
    packed = DATASETS.build(dataset)[0]['data_samples']
    assert packed.label_kind == 'none'
    assert (packed.gt_sem_seg.data == 255).all()
