"""Settings that a round 0 depends on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Callable

import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config, ConfigDict
from mmseg.datasets import BaseSegDataset
from pipelines import place_of

from mmseg_sesam.io.json_values import diff, json_digest
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.rounds.provenance import fingerprint
from mmseg_sesam.rounds.training_images import TrainingImages

Describe = Callable[[ConfigDict], dict[str, Any]]


@pytest.fixture
def dataset(make_config: Callable[..., Config], scribbles: Path) -> ConfigDict:
    """A data set whose weak labels are simulated from dense ones."""
    dataset = make_config().train_dataloader.dataset
    dataset.data_prefix.seg_map_path = 'dense'
    simulate = dict(
        type='SimulateWeakLabel', kind='point', data_root=str(scribbles)
    )
    place = place_of(dataset.pipeline, 'LoadPseudoLabel')
    dataset.pipeline.insert(place, simulate)
    return dataset


@pytest.fixture
def describe_config() -> Describe:
    generator = PseudoLabelGenerator(dict(type='SuperpixelSegmenter'))
    return lambda dataset: fingerprint(generator, TrainingImages(dataset, 0))


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        (
            dict(reduce_zero_label=True),
            'reading.0.reduce_zero_label was False and is True',
        ),
        (
            dict(metainfo=dict(classes=('c', 'b', 'a'))),
            'reading.0.label_map.0 was (not there) and is 2',
        ),
    ],
)
def test_fingerprint_depends_on_reading_of_ids(
    dataset: ConfigDict,
    describe_config: Describe,
    monkeypatch: pytest.MonkeyPatch,
    change: dict,
    text: str,
) -> None:
    before = describe_config(dataset)
    # Ids are mapped where the class of the data set names classes.
    monkeypatch.setitem(BaseSegDataset.METAINFO, 'classes', ('a', 'b', 'c'))
    dataset.update(change)
    assert text in diff(before, describe_config(dataset))


def test_fingerprint_is_equal_for_moved_files(
    dataset: ConfigDict, describe_config: Describe, tmp_path: Path
) -> None:
    before = describe_config(dataset)
    moved = str(tmp_path / 'moved')
    shutil.move(dataset.data_root, moved)
    dataset.data_root = moved
    place = place_of(dataset.pipeline, 'SimulateWeakLabel')
    dataset.pipeline[place].update(
        data_root=moved, cache_dir=str(tmp_path / 'c')
    )
    assert diff(before, describe_config(dataset)) == ''


def test_fingerprint_is_equal_for_classes_and_names(
    dataset: ConfigDict, describe_config: Describe
) -> None:
    before = describe_config(dataset)
    for name, kind in dict(
        LoadImageFromFile=LoadImageFromFile,
        LoadWeakAnnotations='mmseg.LoadWeakAnnotations',
    ).items():
        place = place_of(dataset.pipeline, name)
        dataset.pipeline[place]['type'] = kind
    assert diff(before, describe_config(dataset)) == ''


def test_fingerprint_is_equal_for_equal_numbers(dataset: ConfigDict) -> None:
    images = TrainingImages(dataset, 0)
    segmenter = dict(type='SuperpixelSegmenter')
    first, second = (
        fingerprint(PseudoLabelGenerator(segmenter, hole_purity=one), images)
        for one in (1, 1.0)
    )
    assert json_digest(first) == json_digest(second)


def test_fingerprint_names_a_value_that_json_cannot_hold(
    dataset: ConfigDict, describe_config: Describe
) -> None:
    place = place_of(dataset.pipeline, 'LoadImageFromFile')
    dataset.pipeline[place]['to_float32'] = {True}
    with pytest.raises(
        ValueError,
        match=rf"config holds set at 'pipelines\.0\.{place}\.to_float32'",
    ):
        describe_config(dataset)


def test_fingerprint_depends_on_names_of_simulated_labels(
    dataset: ConfigDict, describe_config: Describe
) -> None:
    before = describe_config(dataset)
    place = place_of(dataset.pipeline, 'SimulateWeakLabel')
    dataset.pipeline[place]['data_root'] += '/images'
    assert "data_root was '.' and is 'images'" in diff(
        before, describe_config(dataset)
    )
