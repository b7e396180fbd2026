"""What a round needs of the teacher's predictions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import numpy as np
import pytest
import torch
from memory_peak import with_peak
from mixed import mix
from mmengine.config import Config
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_sesam.core.evidence import Evidence, spread_pixels
from mmseg_sesam.core.refinement import enrich
from mmseg_sesam.datasets.validation_transforms import ValidationTransforms
from mmseg_sesam.models.class_prior import TeacherPrior
from mmseg_sesam.rounds.teacher import TeacherPredictor
from mmseg_sesam.rounds.training_images import TrainingImages

SIZE = (70, 90)
SLIDE = dict(mode='slide', crop_size=(32, 40), stride=(20, 20))


@pytest.fixture
def batch() -> dict:
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8)
    sample = SegDataSample(metainfo=dict(ori_shape=SIZE, img_shape=SIZE))
    return dict(inputs=[image], data_samples=[sample])


@pytest.mark.parametrize('test_cfg', [SLIDE, dict(mode='whole')])
def test_predict_labels_of_bands_are_those_of_the_whole_image(
    make_config: Callable[..., Config], batch: dict, test_cfg: dict
) -> None:
    cfg = make_config(model__teacher='round').model
    cfg.test_cfg = test_cfg
    model = MODELS.build(cfg).eval()
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.95)
    weak = np.full(SIZE, 255, np.uint8)
    weak[10:20, 10:20] = 1
    whole = model.predict_probability(**model.data_preprocessor(batch))
    # A part of the pixels is confident, and a part agrees.
    model.confident_threshold = float(whole.amax(0).median())
    model.agreement = float((whole / whole.amax(0)).median())

    teacher.enrich_threshold = model.confident_threshold
    prediction = teacher.predict_labels(batch, weak)

    number = len(list(teacher.bands(batch)))
    assert (number > 1) == (test_cfg is SLIDE)
    label = enrich(
        weak,
        whole.argmax(0).numpy(),
        whole.amax(0).numpy(),
        model.confident_threshold,
    )
    assert (label != weak).any()
    np.testing.assert_array_equal(prediction.label, label)
    confident = model.confident_labels(whole[None])[0].numpy()
    assert 0 < np.mean(confident != 255) < 1
    np.testing.assert_array_equal(prediction.confident, confident)
    rows, cols = spread_pixels(SIZE)
    expected = Evidence.of(SIZE, whole[:, rows, cols].T.numpy())
    np.testing.assert_allclose(
        prediction.evidence.log_probabilities,
        expected.log_probabilities,
        rtol=1e-5,
    )
    pseudo = np.random.default_rng(0).choice(
        np.array([0, 1, 2, 255], np.uint8), SIZE
    )
    agreeing = model.agreeing_labels(
        torch.from_numpy(pseudo)[None], whole[None]
    )
    assert 0 < np.mean(agreeing.numpy() != 255) < 0.7
    np.testing.assert_array_equal(
        prediction.agreeing(pseudo), agreeing[0].numpy()
    )


def test_predict_labels_leaves_out_labels_that_training_does_not_read(
    make_config: Callable[..., Config], batch: dict
) -> None:
    model = MODELS.build(make_config().model).eval()
    weak = np.full(SIZE, 255, np.uint8)
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.95)
    prediction = teacher.predict_labels(batch, weak)
    assert prediction.confident is None and prediction.agrees is None


def test_bands_draw_the_same_random_numbers_for_each_image(
    make_config: Callable[..., Config], batch: dict
) -> None:
    cfg = make_config().model
    cfg.decode_head = dict(
        type='LightHamHead',
        in_channels=[32, 64],
        in_index=[2, 3],
        channels=8,
        ham_channels=8,
        ham_kwargs=dict(MD_R=4),
        num_classes=3,
        norm_cfg=dict(type='BN'),
    )
    model = MODELS.build(cfg).eval()
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.95)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        ((_, probability),) = teacher.bands(batch)
        found.append(probability)
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*found)


def test_predict_labels_holds_the_agreeing_classes_once() -> None:
    height, width, classes = 2000, 1500, 32
    probability = torch.full((classes, 20, width), 1 / classes)

    class Predictor(TeacherPredictor):
        def bands(self, batch):
            for start in range(0, height, 20):
                yield slice(start, start + 20), probability

    model = SimpleNamespace(
        teacher_mode='round',
        num_classes=classes,
        confident_labels=lambda probability: probability.argmax(dim=1).byte(),
        least_agreeing=lambda probability: 0.5 * probability.amax(dim=1),
    )
    weak = np.full((height, width), 255, np.uint8)
    predictor = Predictor(model, ValidationTransforms(), 0.95)
    prediction, peak = with_peak(lambda: predictor.predict_labels({}, weak))
    assert (prediction.agrees == 255).all()
    # Two labels and the evidence take as much again.
    assert peak < 2.4 * prediction.agrees.nbytes


def test_fit_prior_counts_an_image_once_that_is_listed_twice(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    dataset.ann_file = 'list.txt'
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    model.teacher_prior = TeacherPrior(torch.tensor([0.5, 0.3, 0.2]))
    fitted = []
    for names in (['deep/0', 'deep/1', 'deep/0'], ['deep/0', 'deep/1']):
        (scribbles / 'list.txt').write_text('\n'.join(names))
        images = TrainingImages(dataset, 0)
        TeacherPredictor(model, ValidationTransforms(), 0.95).fit_prior(images)
        fitted.append(model.teacher_prior.constants.tolist())
    assert fitted[0] == fitted[1]


@pytest.mark.parametrize('shape', [(333, 500), (999, 90), (20, 30)])
def test_fit_prior_sees_all_columns_of_an_image(shape: tuple) -> None:
    # A tenth of the columns for each class; equal steps hit few columns.
    classes = torch.arange(shape[1]) * 10 // shape[1]
    stripes = torch.nn.functional.one_hot(classes).float().T
    probability = (0.05 + 0.5 * stripes)[:, None].expand(-1, *shape)

    class Predictor(TeacherPredictor):
        def bands(self, batch):
            for band in slice(0, shape[0] // 3), slice(shape[0] // 3, None):
                rows = slice(*band.indices(shape[0])[:2])
                yield rows, probability[:, rows]

    sample = SegDataSample(metainfo=dict(ori_shape=shape))
    images = SimpleNamespace(
        spread=lambda number: [0],
        load_part=lambda places, title: [dict(data_samples=[sample])],
    )
    prior = TeacherPrior(torch.full((10,), 0.1))
    model = SimpleNamespace(teacher_prior=prior)
    Predictor(model, ValidationTransforms(), 0.95).fit_prior(images)
    # The predictions have these shares as they are.
    assert prior.steps > 0
    assert (prior.constants - prior.constants.mean()).abs().max() < 0.2


def test_class_thresholds_are_those_of_unlabelled_images(
    make_config: Callable[..., Config],
) -> None:
    torch.manual_seed(0)
    model = MODELS.build(make_config().model).eval()
    teacher = TeacherPredictor(model, ValidationTransforms(), 0.99)

    def found(*kinds: str) -> np.ndarray | None:
        dataset = mix(make_config(), kinds).train_dataloader.dataset
        return teacher.class_thresholds(TrainingImages(dataset, 0))

    assert found('dense', 'scribble', 'scribble') is None
    thresholds = found('dense', 'scribble', 'none')
    # It has not learned anything, and is confident of no class.
    assert thresholds.min() < 0.9
    np.testing.assert_array_equal(
        thresholds, found('scribble', 'dense', 'none')
    )
