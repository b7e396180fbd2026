"""SAMSegmenter against the SamPredictor of the model's own package."""

import hashlib
import json
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmseg.registry import TASK_UTILS
from segment_anything import build_sam_vit_b
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

import mmseg_sesam.pseudo_labels  # noqa: F401  (registers its parts)
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

SIZES = [(90, 150), (1100, 800)]


def build_tiny_sam(decoder=MaskDecoder, img_size=1024):
    """Segment Anything with a small encoder and random weights."""
    torch.manual_seed(1)
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=img_size,
            patch_size=16,
            embed_dim=32,
            depth=2,
            num_heads=2,
            out_chans=256,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=14,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=256,
            image_embedding_size=(img_size // 16, img_size // 16),
            input_image_size=(img_size, img_size),
            mask_in_chans=16,
        ),
        mask_decoder=decoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(
                depth=2, embedding_dim=256, mlp_dim=64, num_heads=8
            ),
            transformer_dim=256,
        ),
    ).eval()


class GPUDecoder(MaskDecoder):
    """Runs out of memory above two prompts, as CUDA says it."""

    def forward(self, sparse_prompt_embeddings, **options):
        if len(sparse_prompt_embeddings) > 2:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to')
        return super().forward(
            sparse_prompt_embeddings=sparse_prompt_embeddings, **options
        )


class CPUDecoder(MaskDecoder):
    """Runs out of memory above one prompt, as torch on a CPU says it."""

    def forward(self, sparse_prompt_embeddings, **options):
        if len(sparse_prompt_embeddings) > 1:
            raise RuntimeError(
                '[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPU'
                "Allocator: can't allocate memory: you tried to allocate"
            )
        return super().forward(
            sparse_prompt_embeddings=sparse_prompt_embeddings, **options
        )


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


class FullDecoder(MaskDecoder):
    """Has no memory at all."""

    def forward(self, **options):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to')


class GPUWithoutMemory(MaskDecoder):
    """Has no memory at all where its weights were at first."""

    def __init__(self, **options):
        super().__init__(**options)
        self.home = self.iou_token.weight.data_ptr()

    def forward(self, **options):
        if self.iou_token.weight.data_ptr() == self.home:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to')
        return super().forward(**options)


class BrokenDecoder(MaskDecoder):
    """Fails for a reason that smaller batches do not cure."""

    def forward(self, **options):
        raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')


def build_gpu_sam():
    return build_tiny_sam(GPUDecoder)


def build_cpu_sam():
    return build_tiny_sam(CPUDecoder)


def build_disk_sam():
    return build_tiny_sam(DiskDecoder)


def build_small_sam():
    return build_tiny_sam(img_size=256)


def build_full_sam():
    return build_tiny_sam(FullDecoder)


def build_sam_without_memory():
    return build_tiny_sam(GPUWithoutMemory)


def build_broken_sam():
    return build_tiny_sam(BrokenDecoder)


def save(sam, path):
    """Saves weights, so that they give masks neither empty nor full."""
    with torch.no_grad():
        for name, value in sam.named_parameters():
            if 'output_hypernetworks_mlps' in name and 'layers.2' in name:
                value *= 30
            if 'attention_biases' in name:
                value.normal_(generator=torch.Generator().manual_seed(0))
    torch.save(sam.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return dict(checkpoint=str(path), sha256=digest)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return save(build_tiny_sam(), tmp_path_factory.mktemp('sam') / 'sam.pth')


@pytest.fixture(scope='module')
def segmenter(weights):
    return SAMSegmenter(**weights, builder=build_tiny_sam)


@pytest.fixture(scope='module')
def embedding(segmenter):
    return segmenter.encode([make_image((90, 150))])[0]


def make_predictor(sam, weights):
    sam.load_state_dict(torch.load(weights['checkpoint'], weights_only=True))
    package = type(sam).__module__.split('.')[0]
    return import_module(package).SamPredictor(sam.eval())


def make_image(size):
    """A noisy image with a bright rectangle."""
    rng = np.random.default_rng(size)
    image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    image[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 220
    return image


def make_prompts(size, counts=(3, 1, 5, 1)):
    """Prompts of these numbers of points, every second one negative."""
    rng = np.random.default_rng(size)
    return [
        PointPrompt(
            points=rng.uniform(0, size[::-1], (count, 2)).astype('float32'),
            labels=np.arange(1, count + 1).astype(np.int8) % 2,
        )
        for count in counts
    ]


def assert_equals_predictor(segmenter, predictor, sizes, num_masks=3):
    images = [make_image(size) for size in sizes]
    embeddings = segmenter.encode(images)
    assert len(embeddings) == len(images)
    for image, embedding in zip(images, embeddings):
        prompts = make_prompts(image.shape[:2])
        candidates = segmenter.decode(embedding, prompts)
        predictor.set_image(image)
        assert candidates.scores.shape == (len(prompts), num_masks)
        for index, (points, labels) in enumerate(prompts):
            masks, scores, logits = predictor.predict(points, labels)
            assert 0.01 < masks.mean() < 0.99
            assert 0.01 < scores.max() < 0.99
            np.testing.assert_allclose(
                candidates.scores[index], scores.clip(0, 1), atol=1e-4
            )
            ours = [candidates.mask(index, m) for m in range(num_masks)]
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


@pytest.mark.parametrize(
    ('package', 'num_masks'), [('mobile_sam', 3), ('segment_anything_hq', 1)]
)
def test_sam_segmenter_equals_predictor_of_other_packages(
    tmp_path, package, num_masks
):
    pytest.importorskip(package)
    build = import_module(f'{package}.build_sam').build_sam_vit_t
    torch.manual_seed(0)
    weights = save(build(), tmp_path / 'vit_t.pth')
    builder = f'{package}.build_sam.build_sam_vit_t'
    segmenter = SAMSegmenter(**weights, builder=builder)
    predictor = make_predictor(build(), weights)
    assert_equals_predictor(segmenter, predictor, SIZES, num_masks)


def test_decode_does_not_depend_on_order_or_batches(
    segmenter, weights, embedding
):
    prompts = make_prompts((90, 150))
    small = SAMSegmenter(**weights, builder=build_tiny_sam, decode_batch=1)
    one_by_one = small.decode(embedding, prompts)
    backwards = segmenter.decode(embedding, prompts[::-1])
    together = segmenter.decode(embedding, prompts)
    for other, order in [(one_by_one, 1), (backwards, -1)]:
        np.testing.assert_allclose(
            other.scores[::order], together.scores, atol=1e-4
        )
        for index in range(len(prompts)):
            partner = index if order == 1 else len(prompts) - 1 - index
            mask = together.mask(index, 1)
            assert (other.mask(partner, 1) == mask).mean() >= 0.999


def test_decode_measures_the_low_resolution_logits(weights):
    size = (90, 150)
    segmenter = SAMSegmenter(**weights, builder=build_disk_sam)
    embedding = segmenter.encode([make_image(size)])[0]
    found = segmenter.decode(embedding, make_prompts(size, counts=(1, 2)))
    # Distances are in cells, of which 256 span the longer side.
    outer, inner, radius = 51.0, 49.0, 50 * 150 / 256
    stability = [0.0, inner**2 / outer**2, 1.0]
    areas = [0.0, np.pi * radius**2, 90 * 150]
    for index in range(2):
        np.testing.assert_allclose(
            found.stability[index], stability, atol=0.01
        )
        np.testing.assert_allclose(found.areas[index], areas, rtol=0.01)
        for mask, area in enumerate(areas):
            drawn = found.mask(index, mask).sum()
            np.testing.assert_allclose(drawn, area, rtol=0.01)


@pytest.mark.parametrize(
    'builder', [build_gpu_sam, build_cpu_sam, build_sam_without_memory]
)
def test_decode_uses_smaller_batches_or_the_cpu_without_memory(
    segmenter, weights, embedding, builder
):
    prompts = make_prompts((90, 150), counts=(1, 3, 1, 1, 1, 1, 3))
    starved = SAMSegmenter(**weights, builder=builder, decode_batch=4)
    messages = []
    logger = MMLogger.get_current_instance()
    logger.addFilter(lambda record: messages.append(record.getMessage()))
    try:
        found = [starved.decode(embedding, prompts) for _ in range(2)]
    finally:
        logger.removeFilter(logger.filters[-1])
    expected = segmenter.decode(embedding, prompts)
    for candidates in found:
        np.testing.assert_allclose(
            candidates.scores, expected.scores, atol=1e-4
        )
    assert len(messages) == 1
    assert 'decode_batch' in messages[0]


@pytest.mark.parametrize(
    ('builder', 'message'),
    [(build_full_sam, 'CUDA out of memory'), (build_broken_sam, 'mat1')],
)
def test_decode_raises_on_errors_that_no_smaller_batch_avoids(
    weights, embedding, builder, message
):
    segmenter = SAMSegmenter(**weights, builder=builder)
    with pytest.raises(RuntimeError, match=message):
        segmenter.decode(embedding, make_prompts((90, 150)))


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
        other['features'], one['features'], rtol=1e-3, atol=1e-4
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
    assert 'test_segmenter.build_tiny_sam' in segmenter.fingerprint['builder']
    text = json.dumps(segmenter.fingerprint)
    assert weights['checkpoint'] not in text
    for options in (dict(dtype='bf16'), dict(builder=build_gpu_sam)):
        options = {'builder': build_tiny_sam, **options}
        other = SAMSegmenter(**moved, **options)
        assert other.fingerprint != segmenter.fingerprint


@pytest.mark.parametrize(
    'options',
    [dict(dtype='fp64'), dict(decode_batch=0), dict(compile='yes')],
)
def test_sam_segmenter_rejects_unknown_options(weights, options):
    with pytest.raises(ValueError, match='SAMSegmenter got'):
        SAMSegmenter(**weights, builder=build_tiny_sam, **options)


@pytest.mark.parametrize(
    'builder',
    ['no_such_package.build', 'segment_anything.no_such_name', 'build_sam'],
)
def test_sam_segmenter_rejects_missing_builders(weights, builder):
    with pytest.raises(ImportError, match='pip install segment-anything'):
        SAMSegmenter(**weights, builder=builder)


def test_sam_segmenter_rejects_weights_of_another_model(tmp_path):
    path = tmp_path / 'linear.pth'
    weights = save(torch.nn.Linear(2, 2), path)
    with pytest.raises(ValueError, match='does not fit the model'):
        SAMSegmenter(**weights, builder=build_tiny_sam)


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
            selector=dict(
                type='CoverageMaskSelector', merge='best', min_coverage=0.1
            ),
        )
    )
    result = generator(image, label)
    (record,) = result.records
    ((prompt, index),) = record.chosen
    assert prompt == 0
    predictor = make_predictor(build_tiny_sam(), weights)
    predictor.set_image(image)
    points = np.array(record.points)
    mask = predictor.predict(points[:, :2], points[:, 2])[0][index]
    expected = np.where(mask, np.uint8(1), label)
    assert (result.label == expected).mean() >= 0.999
    assert (result.label == 1).sum() > 2 * (label == 1).sum()
