"""Trainings on images that are not of three channels of 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from PIL import Image
from pipelines import place_of

from mmseg_sesam.models.colours import colours_of
from mmseg_sesam.models.label_maps import LabelMaps
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.run import read_run
from mmseg_sesam.store.store import LABELS, RECORDS, PseudoLabelStore

from .conftest import train

MakeConfig = Callable[..., Config]


@pytest.fixture
def grey(scribbles: Path) -> Path:
    """The images' files are grey."""
    for path in (scribbles / 'images').rglob('*.png'):
        Image.open(path).convert('L').save(path)
    return scribbles


@pytest.fixture
def make_grey_config(make_config: MakeConfig) -> MakeConfig:
    """As stock configs of grey images are: for one channel."""

    def make(name: str, **options) -> Config:
        cfg = make_config(
            model__data_preprocessor__mean=[100.0],
            model__data_preprocessor__std=[50.0],
            model__backbone__in_channels=1,
            model__regularizers=[dict(type='GatedCRFLoss')],
            work_dir=f'{make_config().work_dir}_{name}',
            **options,
        )
        set_loading(cfg, name, color_type='grayscale')
        return cfg

    return make


def set_loading(cfg: Config, name: str, **loading) -> None:
    """Changes how images are loaded."""
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[place_of(pipeline, 'LoadImageFromFile')].update(loading)
    # It changes colours.
    del pipeline[place_of(pipeline, 'PhotoMetricDistortion')]


def content(folder: Path) -> dict[str, bytes]:
    """Labels and records of a round."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for kind in (LABELS, RECORDS)
        for path in sorted((folder / kind).rglob('*.*'))
    }


def test_train_on_grey_images_has_the_labels_of_colour(
    make_config: MakeConfig,
    make_grey_config: MakeConfig,
    grey: Path,
    tmp_path: Path,
) -> None:
    runner = train(make_grey_config('grey'), interval=9, num_images=1)
    store = PseudoLabelStore(tmp_path / 'work_grey/pseudo_labels')
    assert store.current == 2
    cfg = make_config(train_cfg__max_iters=1)
    train(cfg)
    colour = PseudoLabelStore(tmp_path / 'work/pseudo_labels')
    found = content(store.folder(0))
    assert len(found) == 6
    assert found == content(colour.folder(0))
    pictures = Path(runner.log_dir, 'vis_data/vis_image')
    assert len(list(pictures.glob('*.png'))) == 2
    shown = RunImages(read_run(Path(runner.work_dir)))[0].image
    file = np.array(Image.open(grey / 'images/deep/0.png'))
    np.testing.assert_array_equal(shown, np.stack([file] * 3, axis=2))


def test_gated_crf_loss_of_grey_images_equals_colour(
    make_config: MakeConfig, make_grey_config: MakeConfig
) -> None:
    init_default_scope('mmseg')
    grey = make_grey_config('grey')
    colour = make_config(
        model__data_preprocessor__mean=[100.0] * 3,
        model__data_preprocessor__std=[50.0] * 3,
        model__regularizers=grey.model.regularizers,
    )
    values = torch.arange(16.0).reshape(1, 1, 4, 4) / 9
    logits = dict(decode=torch.rand(1, 3, 4, 4))
    label = torch.full((1, 4, 4), 255, dtype=torch.uint8)
    maps = LabelMaps(dict(weak=label), label == 255)

    costs = [
        model.loss_by_regularizers(
            logits,
            colours_of(images, [SegDataSample()], model.data_preprocessor),
            maps,
        )
        for model, images in (
            (MODELS.build(grey.model), values),
            (MODELS.build(colour.model), values.expand(-1, 3, -1, -1)),
        )
    ]

    assert costs[0]['decode.loss_crf'] > 0
    torch.testing.assert_close(*costs)


def test_train_on_floats_of_8_bits_has_the_same_labels(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    train(make_config(train_cfg__max_iters=1))
    cfg = make_config(work_dir=str(tmp_path / 'float'))
    set_loading(cfg, 'float', to_float32=True)
    train(cfg, interval=9, num_images=1)
    bytes_, floats = (
        PseudoLabelStore(tmp_path / name / 'pseudo_labels')
        for name in ('work', 'float')
    )
    assert floats.current == 2
    assert content(bytes_.folder(0)) == content(floats.folder(0))


@pytest.mark.parametrize(
    ('loading', 'image', 'said'),
    [
        (
            dict(color_type='unchanged'),
            np.full((40, 48), 1776, np.uint16),
            'deep/1.png is loaded as uint16, expected uint8',
        ),
        (
            dict(color_type='unchanged', to_float32=True),
            np.full((40, 48), 1776, np.uint16),
            'deep/1.png is loaded as float32 with values from 1776 to 1776',
        ),
        (
            dict(color_type='unchanged'),
            np.full((40, 48, 4), 9, np.uint8),
            'deep/1.png is loaded with 4 channels, expected 1 or 3',
        ),
    ],
)
def test_train_rejects_other_images_before_round_0(
    make_config: MakeConfig,
    grey: Path,
    loading: dict,
    image: np.ndarray,
    said: str,
) -> None:
    # The others are grey.
    Image.fromarray(image).save(grey / 'images/deep/1.png')
    cfg = make_config()
    set_loading(cfg, 'other', **loading)
    with pytest.raises(ValueError, match=said):
        train(cfg)
    store = PseudoLabelStore(Path(cfg.work_dir, 'pseudo_labels'))
    assert store.current is None


def test_train_on_grey_heart_images(
    make_grey_config: MakeConfig, shared_data: Path, tmp_path: Path
) -> None:
    root = shared_data / 'acdc'
    if not root.is_dir():
        pytest.skip(f'{root} is not there')
    cfg = make_grey_config('heart', train_cfg__max_iters=3)
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = str(root)
    dataset.data_prefix = dict(
        img_path='images/train', seg_map_path='scribbles/train'
    )
    dataset.indices = 4
    dataset.metainfo = dict(classes=('none', 'right', 'wall', 'left'))
    place = place_of(dataset.pipeline, 'LoadWeakAnnotations')
    dataset.pipeline[place].num_classes = 4
    cfg.model.decode_head.num_classes = 4
    train(cfg)
    store = PseudoLabelStore(tmp_path / 'work_heart/pseudo_labels')
    assert store.current == 1
    summary = store.manifest(0)['summary']
    assert summary['images'] == 4
    assert summary['labelled_pixels'] > 3 * summary['weak_pixels']
