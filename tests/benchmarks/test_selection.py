"""The benchmark of selection, on tiny data, and its simulated SAM."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from benchmarks.selection.__main__ import make_parser, report, run
from benchmarks.selection.images import IGNORE, SETS, LabelledImage
from benchmarks.selection.measure import add_masks, ceiling
from benchmarks.selection.report import ROWS, load_results, write_report
from benchmarks.selection.simulated_sam import ERRORS, SimulatedSAM
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.pseudo_labels import PseudoLabelGenerator
from mmseg_sesam.segmenters import MaskCandidates

PROPERTY = settings(max_examples=40)


def ask(*points: tuple[int, int]) -> PointPrompt:
    """Returns the prompt of points (x, y)."""
    return PointPrompt(np.array(points, np.float32))


def decode(
    dense: np.ndarray, prompts: list[PointPrompt], **options
) -> MaskCandidates:
    sam = SimulatedSAM(dense, **options)
    image = np.zeros((*dense.shape, 3), np.uint8)
    return sam.decode(sam.encode([image])[0], prompts)


def masks_of(candidates: MaskCandidates) -> np.ndarray:
    """Returns all masks, (P, 3, H, W) bool."""
    return np.array(
        [
            [candidates.mask(prompt, index) for index in range(3)]
            for prompt in range(len(candidates.scores))
        ]
    )


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


@st.composite
def labels_with_prompts(draw) -> tuple[np.ndarray, list[PointPrompt]]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
    ids = st.sampled_from([0, 1, 2, IGNORE])
    small = draw(hnp.arrays(np.uint8, shape, elements=ids))
    dense = np.kron(small, np.ones((3, 3), np.uint8))
    points = st.tuples(
        *(st.integers(0, side - 1) for side in dense.shape[::-1])
    )
    lists = st.lists(points, min_size=1, max_size=3)
    groups = draw(st.lists(lists, min_size=1, max_size=4))
    return dense, [ask(*group) for group in groups]


@PROPERTY
@given(labels_with_prompts(), st.sampled_from([0.0, 1.0, 3.0]))
def test_simulated_sam_returns_three_masks_in_range(case, sigma) -> None:
    dense, prompts = case
    found = decode(dense, prompts, sigma=sigma)
    assert masks_of(found).shape == (len(prompts), 3, *dense.shape)
    assert found.scores.shape == (len(prompts), 3)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


@PROPERTY
@given(labels_with_prompts(), st.sampled_from([0.0, 1.0, 3.0]))
def test_simulated_sam_without_errors_returns_nested_masks(
    case, sigma
) -> None:
    dense, prompts = case
    for masks in masks_of(decode(dense, prompts, sigma=sigma, errors={})):
        assert not (masks[:-1] & ~masks[1:]).any()


@PROPERTY
@given(labels_with_prompts())
def test_simulated_sam_without_any_error_returns_the_object(case) -> None:
    dense, prompts = case
    exact = masks_of(decode(dense, prompts, sigma=0.0, errors={}))
    for masks, prompt in zip(exact, prompts):
        x, y = prompt.points.astype(int).T
        assert masks[:, y, x].any(axis=1).all() and masks[-1][y, x].all()
        assert set(dense[masks[-1]]) == set(dense[y, x])
        # No object is cut: beside a mask lie other classes alone.
        for class_id in np.unique(dense[y, x]):
            own = masks[-1] & (dense == class_id)
            rest = ~masks[-1] & (dense == class_id)
            assert not (np.pad(own, 1)[1:, 1:-1] & np.pad(rest, 1)[:-1, 1:-1])[
                1:-1
            ].any()


@PROPERTY
@given(labels_with_prompts(), st.integers(0, 3))
def test_simulated_sam_gives_a_prompt_the_same_masks(case, seed) -> None:
    dense, prompts = case
    together = decode(dense, prompts, seed=seed)
    for index, prompt in enumerate(prompts):
        alone = decode(dense, [prompt], seed=seed)
        np.testing.assert_array_equal(
            masks_of(alone)[0], masks_of(together)[index]
        )
        np.testing.assert_array_equal(alone.scores[0], together.scores[index])


@pytest.fixture(scope='module')
def disc() -> tuple[np.ndarray, list[PointPrompt]]:
    """A disc, and prompts on 60 of its pixels."""
    rows, cols = np.mgrid[:80, :100]
    dense = (np.hypot(rows - 40, cols - 50) < 25).astype(np.uint8)
    places = np.argwhere(dense)[::32]
    return dense, [ask((x, y)) for y, x in places]


def test_simulated_sam_seeds_give_other_masks(disc) -> None:
    dense, prompts = disc
    one, other = (masks_of(decode(dense, prompts, seed=s)) for s in (0, 1))
    assert (one != other).any()


def test_simulated_sam_sigma_moves_outlines(disc) -> None:
    dense, prompts = disc
    found = [
        np.mean(
            [
                iou(masks[-1], dense == 1)
                for masks in masks_of(
                    decode(dense, prompts, sigma=sigma, errors={})
                )
            ]
        )
        for sigma in (0.0, 1.0, 2.0, 4.0)
    ]
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    # The ring that one pixel takes from a disc of radius 25.
    assert 1 - 2 / 25 < found[1] < 1 - 0.5 / 25


def test_simulated_sam_scores_tell_the_true_iou(disc) -> None:
    dense, prompts = disc
    found = decode(dense, prompts)
    true = [iou(masks[-1], dense == 1) for masks in masks_of(found)]
    assert np.corrcoef(found.scores[:, -1], true)[0, 1] > 0.5
    # Some masks are spoiled, but not most.
    assert 0.1 < np.mean(np.array(true) < 0.85) < 0.5


@pytest.mark.parametrize('name', ERRORS)
def test_simulated_sam_makes_each_error(disc, name: str) -> None:
    dense, prompts = disc
    found, exact = (
        masks_of(decode(dense, prompts, sigma=0.0, errors=errors))
        for errors in ({name: 1.0}, {})
    )
    # Parts too: what is added to one is not the rest of its object.
    assert (found != exact).any(axis=(2, 3)).all()
    objects = found[:, -1]
    added = (objects & (dense == 0)).any(axis=(1, 2))
    lost = (~objects & (dense == 1)).any(axis=(1, 2))
    assert added.all() == (name in ('merged', 'beside')) == added.any()
    assert lost.all() == (name in ('hole', 'half')) == lost.any()
    if name == 'merged':
        # Nor does a part inside its object get the rest of it.
        assert not (found & ~exact & (dense == 1)).any()


def test_simulated_sam_fingerprint_has_its_options() -> None:
    dense = np.zeros((4, 4), np.uint8)
    first = SimulatedSAM(dense).fingerprint
    assert json.loads(json.dumps(first)) == first
    for options in (dict(sigma=2.0), dict(seed=1), dict(errors={})):
        assert SimulatedSAM(dense, **options).fingerprint != first


def test_ceiling_finds_a_union_that_one_large_mask_hides() -> None:
    truth = np.zeros(100, bool)
    truth[:60] = True
    large, left, right = np.zeros((3, 100), bool)
    large[:90] = True
    left[:25] = right[25:50] = True
    worth = np.where(truth, 1, -1).astype(np.float32)
    inside = np.stack([large, left, right])
    assert add_masks(inside, worth, by_share=False) == (30, [0])
    worth_of_both, both = add_masks(inside, worth, by_share=True)
    assert worth_of_both == 50 and sorted(both) == [1, 2]


def test_ceiling_is_the_dense_label_of_exact_masks() -> None:
    dense = np.zeros((40, 60), np.uint8)
    dense[:, 30:] = 1
    dense[10:20, 40:50] = 2
    weak = np.full_like(dense, IGNORE)
    for row, col in ((20, 10), (30, 40), (15, 45)):
        weak[row, col] = dense[row, col]
    generator = PseudoLabelGenerator(dict(type='SuperpixelSegmenter'))
    generator.segmenter = SimulatedSAM(dense, sigma=0.0, errors={})
    image = np.zeros((*dense.shape, 3), np.uint8)
    label = ceiling(generator, LabelledImage('a', image, weak, dense))
    np.testing.assert_array_equal(label, dense)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten scenes of three classes, laid out as CamVid is."""
    rng = np.random.default_rng(0)
    for folder in ('images', 'annotations'):
        (tmp_path / 'data/camvid' / folder / 'train').mkdir(parents=True)
    for index in range(10):
        dense = np.zeros((60, 80), np.uint8)
        dense[rng.integers(20, 40) :] = 3
        dense[10:50, 30 : rng.integers(40, 60)] = 8
        noise = rng.integers(0, 20, (*dense.shape, 3))
        image = (dense[..., None] * 25 + noise).astype(np.uint8)
        folder = tmp_path / 'data/camvid'
        Image.fromarray(image).save(folder / f'images/train/{index}.jpg')
        Image.fromarray(dense).save(folder / f'annotations/train/{index}.png')
    return tmp_path / 'data'


def test_image_set_loads_every_nth_image_or_a_number(data: Path) -> None:
    images = SETS['camvid-point']._replace(step=4)
    measured = list(images.load(data))
    assert [sample.key for sample in measured] == ['0', '4', '8']
    for sample in measured:
        labelled = sample.weak != IGNORE
        assert set(sample.weak[labelled]) == {0, 3, 8}
        assert (sample.weak == sample.dense)[labelled].all()
        assert sample.image.shape == (60, 80, 3)
    spread = [sample.key for sample in images.load(data, 4)]
    assert spread == ['0', '3', '6', '9']
    assert len(list(images.load(data, 100))) == 10


@pytest.mark.parametrize('segmenter', ['superpixel', 'simulated-sam-1px'])
def test_run_measures_a_row_that_report_shows(
    data: Path, tmp_path: Path, segmenter: str
) -> None:
    def arguments(*words: object) -> argparse.Namespace:
        results = ('--results', tmp_path / 'results')
        return make_parser().parse_args(map(str, (*results, *words)))

    words = ['run', '--set', 'camvid-point', '--segmenter', segmenter]
    command = arguments(*words, '--data', data)
    run(command)
    (path,) = (tmp_path / 'results').iterdir()
    result = json.loads(path.read_text())
    assert (result['set'], result['segmenter']) == ('camvid-point', segmenter)
    assert result['images'] == len(range(0, 10, SETS['camvid-point'].step))
    made, best = result['round 0'], result['ceiling']
    assert 0 < made['iou'] <= best['iou'] <= 100
    assert result['share'] == pytest.approx(
        made['iou'] / best['iou'], abs=1e-3
    )
    with pytest.raises(SystemExit, match='remove it first'):
        run(command)

    report(arguments('report', '--docs', tmp_path / 'docs'))
    page = (tmp_path / 'docs/selection.md').read_text()
    numbers = f'{result["images"]} | {made["labelled"]:.1f}'
    assert f'| camvid-point | {segmenter} | {numbers} |' in page
    assert f'| {best["iou"]:.1f} | {result["share"]:.1%} |' in page
    assert page.count('not run yet') == len(ROWS) - 1


def test_run_rejects_data_without_the_set(tmp_path: Path) -> None:
    words = ['--results', tmp_path / 'results', 'run', '--set', 'camvid-point']
    words += ['--data', tmp_path]
    args = make_parser().parse_args(map(str, words))
    with pytest.raises(SystemExit, match='camvid/images/train, which camvid'):
        run(args)
    assert not list(tmp_path.iterdir())


def test_report_without_results_leaves_the_page(tmp_path: Path) -> None:
    page = tmp_path / 'selection.md'
    page.write_text('earlier')
    words = ['--results', tmp_path / 'results', 'report', '--docs', tmp_path]
    args = make_parser().parse_args(map(str, words))
    with pytest.raises(SystemExit, match='holds no result'):
        report(args)
    assert page.read_text() == 'earlier'


def test_selection_page_states_the_measured_results(
    project_root: Path,
) -> None:
    results = load_results(project_root / 'benchmarks/selection/results')
    page = (project_root / 'docs/selection.md').read_text()
    assert page == write_report(results)
