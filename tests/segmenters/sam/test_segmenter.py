"""SAMSegmenter against the SamPredictor of the model's own package."""

import json
import re
import sys
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import TASK_UTILS
from segment_anything import build_sam_vit_b
from segment_anything.modeling import MaskDecoder

import mmseg_sesam.pseudo_labels  # noqa: F401  (registers its parts)
from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

from .tiny_sam import build_tiny_sam, make_image, make_prompts, save

SIZES = [(90, 150), (1100, 800)]


class DiskDecoder(MaskDecoder):
    """Gives an empty mask, a disk of 50 cells, and a full mask.

    Below the 154 rows that images of 90 x 150 take, all are full.
    """

    def forward(self, sparse_prompt_embeddings, **options):
        rows, cols = torch.meshgrid(
            torch.arange(256), torch.arange(256), indexing='ij'
        )
        disk = 50 - torch.hypot(rows - 75.0, cols - 120.0)
        logits = torch.stack([disk - 1e3, disk, disk + 1e3])
        logits[:, 154:] = 1e3
        count = len(sparse_prompt_embeddings)
        return logits.repeat(count, 1, 1, 1), torch.full((count, 3), 1.5)


class MaskDecoderHQ(MaskDecoder):
    """Has the name of SAM-HQ's class."""


def build_disk_sam():
    return build_tiny_sam(DiskDecoder)


def build_hq_sam():
    return build_tiny_sam(MaskDecoderHQ)


def build_small_sam():
    return build_tiny_sam(img_size=256)


def make_predictor(sam, weights):
    sam.load_state_dict(torch.load(weights['checkpoint'], weights_only=True))
    package = type(sam).__module__.split('.')[0]
    return import_module(package).SamPredictor(sam.eval())


def assert_equals_predictor(segmenter, predictor, sizes):
    images = [make_image(size) for size in sizes]
    embeddings = segmenter.encode(images)
    assert len(embeddings) == len(images)
    for image, embedding in zip(images, embeddings):
        prompts = make_prompts(image.shape[:2])
        candidates = segmenter.decode(embedding, prompts)
        predictor.set_image(image)
        assert candidates.scores.shape == (len(prompts), 3)
        for index, (points,) in enumerate(prompts):
            inside = np.ones(len(points))
            masks, scores, logits = predictor.predict(points, inside)
            assert 0.01 < masks.mean() < 0.99
            assert 0.01 < scores.max() < 0.99
            np.testing.assert_allclose(
                candidates.scores[index], scores.clip(0, 1), atol=1e-4
            )
            ours = [candidates.mask(index, m) for m in range(3)]
            agreement = (np.stack(ours) == masks).mean(axis=(1, 2))
            assert (agreement >= 0.999).all()


def test_sam_segmenter_equals_predictor(segmenter, weights):
    predictor = make_predictor(build_tiny_sam(), weights)
    assert_equals_predictor(segmenter, predictor, SIZES)


@pytest.mark.slow
def test_sam_segmenter_equals_predictor_with_vit_b(tmp_path):
    torch.manual_seed(0)
    weights = save(build_sam_vit_b(), tmp_path / 'vit_b.pth')
    segmenter = SAMSegmenter(
        **weights, builder='segment_anything.build_sam_vit_b'
    )
    predictor = make_predictor(build_sam_vit_b(), weights)
    assert_equals_predictor(segmenter, predictor, SIZES[1:])


def test_sam_segmenter_equals_predictor_of_mobile_sam(tmp_path):
    build = pytest.importorskip('mobile_sam.build_sam').build_sam_vit_t
    torch.manual_seed(0)
    weights = save(build(), tmp_path / 'vit_t.pth')
    builder = 'mobile_sam.build_sam.build_sam_vit_t'
    segmenter = SAMSegmenter(**weights, builder=builder)
    assert_equals_predictor(segmenter, make_predictor(build(), weights), SIZES)


def test_decode_measures_the_low_resolution_logits(weights):
    size = (90, 150)
    segmenter = SAMSegmenter(**weights, builder=build_disk_sam)
    embedding = segmenter.encode([make_image(size)])[0]
    found = segmenter.decode(embedding, make_prompts(size, counts=(1, 2)))
    # Distances are in cells, of which 256 span the longer side.
    radius = 50 * 150 / 256
    areas = [0.0, np.pi * radius**2, 90 * 150]
    for index in range(2):
        np.testing.assert_allclose(found.areas[index], areas, rtol=0.01)
        for mask, area in enumerate(areas):
            drawn = found.mask(index, mask).sum()
            np.testing.assert_allclose(drawn, area, rtol=0.01)


def test_sam_segmenter_in_bf16_is_close_to_fp32(tmp_path):
    size = (90, 150)
    image, prompts = make_image(size), make_prompts(size)
    weights = save(build_small_sam(), tmp_path / 'small.pth')
    full, half = (
        SAMSegmenter(**weights, builder=build_small_sam, dtype=dtype)
        for dtype in ('fp32', 'bf16')
    )
    expected, found = (
        each.to('cpu').decode(each.encode([image])[0], prompts)
        for each in (full, half)
    )
    assert found.scores.dtype == np.float32
    assert not np.array_equal(found.scores, expected.scores)
    np.testing.assert_allclose(found.scores, expected.scores, atol=0.02)
    for prompt, index in np.ndindex(4, 3):
        mask = expected.mask(prompt, index)
        assert (found.mask(prompt, index) == mask).mean() >= 0.97


@pytest.mark.slow
def test_encode_compiled_returns_the_same(segmenter, weights):
    compiled = SAMSegmenter(**weights, builder=build_tiny_sam, compile=True)
    image = make_image((90, 150))
    one, other = (s.encode([image])[0] for s in (segmenter, compiled))

    torch.testing.assert_close(
        other['levels'], one['levels'], rtol=1e-3, atol=1e-4
    )


def test_encode_rejects_fp16_on_a_cpu(weights):
    segmenter = SAMSegmenter(**weights, builder=build_tiny_sam, dtype='fp16')
    # Between rounds a GPU's memory is needed for training.
    segmenter.to('cpu')
    with pytest.raises(ValueError, match="'fp16' on a CPU"):
        segmenter.encode([make_image((90, 150))])


def test_decode_of_a_saved_embedding(segmenter, embedding, tmp_path):
    torch.save(embedding, tmp_path / 'embedding.pt')
    loaded = torch.load(tmp_path / 'embedding.pt', weights_only=True)
    prompts = make_prompts((90, 150), counts=(2,))
    np.testing.assert_array_equal(
        segmenter.decode(loaded, prompts).mask(0, 0),
        segmenter.decode(embedding, prompts).mask(0, 0),
    )


def test_fingerprint_depends_on_masks_and_not_on_places(
    segmenter, weights, tmp_path
):
    moved = save(build_tiny_sam(), tmp_path / 'elsewhere.pth')
    same = SAMSegmenter(**weights, builder=build_tiny_sam, decode_batch=3)
    assert same.fingerprint == segmenter.fingerprint
    assert segmenter.fingerprint['checkpoint'] == weights['sha256']
    assert 'tiny_sam.build_tiny_sam' in segmenter.fingerprint['builder']
    text = json.dumps(segmenter.fingerprint)
    assert weights['checkpoint'] not in text
    for options in (dict(dtype='bf16'), dict(builder=build_disk_sam)):
        options = {'builder': build_tiny_sam, **options}
        other = SAMSegmenter(**moved, **options)
        assert other.fingerprint != segmenter.fingerprint


@pytest.mark.parametrize(
    'options',
    [
        dict(dtype='fp64'),
        dict(decode_batch=0),
        dict(compile='yes'),
        dict(checkpoint=5),
        dict(sha256=123),
        dict(builder=partial(build_tiny_sam, img_size=512)),
    ],
    ids=lambda options: next(iter(options)),
)
def test_sam_segmenter_rejects_unknown_options(weights, options):
    (name,) = options
    with pytest.raises(ValueError, match=f'SAMSegmenter got {name}='):
        SAMSegmenter(**{**weights, 'builder': build_tiny_sam, **options})


def test_fingerprint_depends_on_the_class(weights):
    class DerivedSegmenter(SAMSegmenter):
        """Has the options of its base."""

    base, derived = (
        kind(**weights, builder=build_tiny_sam)
        for kind in (SAMSegmenter, DerivedSegmenter)
    )
    assert derived.fingerprint != base.fingerprint


@pytest.mark.parametrize(
    'builder, missing',
    [
        ('no_such_package.sam.build', 'no_such_package'),
        ('segment_anything.build_sam', 'segment_anything (pip install'),
        ('mobile_sam.build_sam_vit_t', 'mobile_sam from https://github.com'),
    ],
)
def test_sam_segmenter_names_the_missing_package(
    weights, monkeypatch, builder, missing
):
    # None makes an import fail, as that of a missing package does.
    for name in ('segment_anything', 'mobile_sam'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError) as error:
        SAMSegmenter(**weights, builder=builder)
    assert f'; install {missing}' in str(error.value)


@pytest.mark.parametrize(
    'builder', ['segment_anything.no_such_name', 'build_sam']
)
def test_sam_segmenter_rejects_builders_that_do_not_exist(weights, builder):
    with pytest.raises(ImportError, match=r'\); correct the dotted path'):
        SAMSegmenter(**weights, builder=builder)


def test_sam_segmenter_rejects_weights_of_another_model(tmp_path):
    path = tmp_path / 'linear.pth'
    weights = save(torch.nn.Linear(2, 2), path)
    with pytest.raises(ValueError, match='does not fit the model'):
        SAMSegmenter(**weights, builder=build_tiny_sam)


def test_sam_segmenter_names_the_base_that_runs_sam_hq(weights, project_root):
    with pytest.raises(ValueError, match='SAM-HQ') as error:
        SAMSegmenter(**weights, builder=build_hq_sam)
    (base,) = re.findall(r'configs/[\w/]+\.py', str(error.value))
    generator = Config.fromfile(project_root / base).generator
    assert generator.segmenter.segmenter.type == 'TransformersSegmenter'


def test_pack_rejects_values_that_fp16_does_not_hold(segmenter, embedding):
    (level,) = embedding['levels']
    segmenter.pack(dict(embedding, levels=[level.clamp(-65504, 65504)]))
    for value in (1e5, torch.nan):
        wrong = level.clone()
        wrong[0, 3, 5, 7] = value
        with pytest.raises(ValueError, match='without CachedSegmenter'):
            segmenter.pack(dict(embedding, levels=[wrong]))


def test_generator_with_sam_segmenter_equals_predictor(weights):
    image = make_image((90, 150))
    label = np.full((90, 150), 255, np.uint8)
    label[30:33, 10:140] = 1
    generator = TASK_UTILS.build(
        dict(
            type='PseudoLabelGenerator',
            segmenter=dict(
                type='SAMSegmenter', builder=build_tiny_sam, **weights
            ),
            prompter=dict(type='SkeletonPrompter', max_points=1),
            # One candidate is taken: no other doubles the mask.
            selector=dict(type='CoverageMaskSelector', min_gain=1.0),
            hole_purity=0,
        )
    )
    result = generator(image, label)
    (record,) = result.records
    ((prompt, index),) = record.chosen
    assert prompt == 0
    predictor = make_predictor(build_tiny_sam(), weights)
    predictor.set_image(image)
    points = np.array(record.points)
    mask = predictor.predict(points, np.ones(len(points)))[0][index]
    expected = np.where(mask, np.uint8(1), label)
    assert (result.label == expected).mean() >= 0.999
    assert (result.label == 1).sum() > 2 * (label == 1).sum()
