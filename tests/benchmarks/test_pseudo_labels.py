"""The benchmark of pseudo-labels."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

from benchmarks.pseudo_labels.__main__ import main
from benchmarks.pseudo_labels.data import CITYSCAPES, VOC, Size, make_label
from benchmarks.pseudo_labels.pipelines import PredictorSegmenter
from benchmarks.pseudo_labels.sweeps import Sweep
from benchmarks.timing import compare, fit_slope
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.prompts import PointPrompt


@pytest.mark.slow
def test_pseudo_labels_measures_all_parts_of_the_smallest_size(
    tmp_path, monkeypatch, capsys
):
    out = tmp_path / 'found.json'
    options = ['--sizes', 'smallest', '--repeats', '1']
    monkeypatch.setattr('sys.argv', ['', '--json', str(out), *options])
    main()
    found = json.loads(out.read_text())
    assert found['cpu'].keys() == {'smallest scribble', 'smallest coarse'}
    assert found['cpu']['smallest coarse'].keys() == {
        'label',
        'skeletons',
        'coverage',
        'png',
        'whole',
    }
    rows = found['pipelines']['small smallest']['rows']
    assert [row[0] for row in rows] == list('ABCrDE')
    for row in rows.values():
        assert row['ms'] > 0
    for name in ('B bounding boxes', 'C ours', 'refresh'):
        assert rows[name]['agreement'] > 0.95
    assert found['sweeps'].keys() == {
        'components',
        'classes',
        'pixels',
        'images',
        'workers',
        'peak_memory',
    }
    assert '| A plain |' in capsys.readouterr().out


@pytest.mark.slow
def test_pseudo_labels_measures_a_model_of_transformers(
    project_root, tmp_path
):
    pytest.importorskip(
        'transformers', reason='the extra [transformers] is not installed'
    )
    out = tmp_path / 'found.json'
    options = ['--parts', 'families', '--families', 'sam2_1_hiera_t']
    run = subprocess.run(
        [
            *(sys.executable, '-m', 'benchmarks.pseudo_labels', '--json', out),
            *(*options, '--repeats', '1'),
        ],
        cwd=project_root,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    row = json.loads(out.read_text())['families']['sam2_1_hiera_t']
    assert row['encode']['ms'] > 0 and row['decode']['ms'] > 0
    assert 0.1 < row['memory'] < 4
    assert row['embedding'] == 8


def test_predictor_segmenter_returns_masks_in_bf16() -> None:
    torch.manual_seed(0)
    sam = Sam(
        ImageEncoderViT(
            img_size=64, embed_dim=8, depth=1, num_heads=1, out_chans=8
        ),
        PromptEncoder(8, (4, 4), (64, 64), mask_in_chans=4),
        MaskDecoder(
            transformer_dim=8, transformer=TwoWayTransformer(1, 8, 2, 8)
        ),
    ).eval()
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    prompts = [
        PointPrompt(np.float32([[5, 9], [40, 7]])),
        PointPrompt(np.float32([[20, 30]])),
    ]
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    expected = [
        predictor.predict(prompt.points, np.ones(len(prompt.points)))
        for prompt in prompts
    ]
    for bf16, error in ((False, 0), (True, 0.1)):
        segmenter = PredictorSegmenter(sam, bf16)
        (embedding,) = segmenter.encode([image])
        found = segmenter.decode(embedding, prompts)
        for row, (masks, scores, _) in enumerate(expected):
            scores = scores.clip(0, 1)
            np.testing.assert_allclose(found.scores[row], scores, atol=error)
            same = np.stack([found.mask(row, i) for i in range(3)]) == masks
            assert same.mean() >= 1 - error


@pytest.mark.parametrize('power', [0.0, 1.0, 2.0])
def test_fit_slope_is_the_exponent(power):
    sizes = [1, 10, 40]
    times = [3 * size**power for size in sizes]
    assert fit_slope(sizes, times) == pytest.approx(power, abs=1e-9)


def test_compare_times_ways_in_turn_after_a_warming_round():
    calls = []
    ways = {
        name: lambda name=name: calls.append(name) or name for name in 'ab'
    }
    times = compare(ways, repeats=2)
    assert calls == ['a', 'b'] * 3
    assert times['b'].result == 'b'
    assert times['a'].median >= 0


@pytest.mark.parametrize('size', [VOC, CITYSCAPES])
def test_make_label_has_as_many_components_thin_or_thick(size: Size) -> None:
    thin, thick = (make_label(size, kind=k) for k in ('scribble', 'coarse'))
    for label in (thin, thick):
        assert label.shape == (size.height, size.width)
        components = find_components(label)
        assert len(components) == size.components
        assert len({c.class_id for c in components}) == size.classes
    assert (thin != 255).mean() < 0.15
    assert 0.4 < (thick != 255).mean() < 0.6


def test_sweep_later_slope_leaves_out_a_fixed_cost() -> None:
    values = [1, 10, 100, 1000]
    sweep = Sweep('components', values, [10, 10, 100, 1000], '')
    assert sweep.later_slope == pytest.approx(1)
    assert sweep.slope < 0.8
    assert Sweep('components', [1, 2], [3, 4], '').later_slope is None
