"""TransformersSegmenter against the pipelines of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmseg.registry import TASK_UTILS
from torch import nn

import mmseg_sesam.pseudo_labels  # noqa: F401  (registers its parts)
from benchmarks.pseudo_labels.real_models import REAL_MODELS, build_real
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.segmenters import CachedSegmenter, TransformersSegmenter

from .pipelines import Pipeline, compare
from .tiny_models import CLASSES, build, spread

# Wide, tall, square, and so small that rows look like channels.
SIZES = [(90, 150), (300, 40), (128, 128), (3, 5)]


def make_image(size: tuple[int, int]) -> np.ndarray:
    """A noisy image with a bright rectangle."""
    rng = np.random.default_rng(size)
    image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    image[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 220
    return image


def make_prompts(
    size: tuple[int, int], counts: tuple[int, ...] = (3, 1, 5, 1, 2, 1)
) -> list[PointPrompt]:
    """Prompts of these numbers of points."""
    rng = np.random.default_rng(size)
    return [
        PointPrompt(rng.uniform(0, size[::-1], (count, 2)).astype('float32'))
        for count in counts
    ]


@pytest.fixture(params=CLASSES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize('size', SIZES, ids=str)
def test_transformers_segmenter_equals_the_pipeline(
    folders: dict[str, Path], family: str, size: tuple[int, int]
) -> None:
    image, prompts = make_image(size), make_prompts(size)
    segmenter = TransformersSegmenter(str(folders[family]))
    (embedding,) = segmenter.encode([image])
    candidates = segmenter.decode(embedding, prompts)

    pipeline = Pipeline(family, folders[family])
    agreement, difference = compare(candidates, pipeline, image, prompts)

    assert agreement >= 0.999
    assert difference <= 1e-4
    # Neither all masks nor all scores are the same.
    assert 0.1 < candidates.areas.mean() / np.prod(size) < 0.9
    assert candidates.scores.std() > 0.02


@pytest.mark.parametrize('decode_batch', [1, 4], ids=['alone', 'batches'])
def test_transformers_segmenter_equals_the_pipeline_in_bf16(
    folders: dict[str, Path], family: str, decode_batch: int
) -> None:
    # Sides and points of which all scales are exact: else the last bit of a
    # coordinate decides how bf16 rounds.
    size = (64, 128)
    image = make_image(size)
    prompts = [
        PointPrompt(prompt.points.round()) for prompt in make_prompts(size)
    ]
    segmenter = TransformersSegmenter(
        str(folders[family]), dtype='bf16', decode_batch=decode_batch
    )
    (embedding,) = segmenter.encode([image])
    candidates = segmenter.decode(embedding, prompts)

    # The same prompts at once: torch multiplies by a single row with another
    # kernel, which rounds otherwise.
    pipeline = Pipeline(family, folders[family], bf16=True)
    agreement, difference = compare(
        candidates, pipeline, image, prompts, together=decode_batch > 1
    )

    assert agreement >= 0.999
    assert difference <= 1e-4


def test_decode_in_bf16_differs_less_by_batches_than_from_fp32(
    folders: dict[str, Path], family: str
) -> None:
    size = (64, 128)
    image, prompts = make_image(size), make_prompts(size, counts=(1, 2) * 4)
    exact, alone, pairs, fours = (
        TransformersSegmenter(str(folders[family]), **options)
        for options in (
            dict(dtype='fp32'),
            *(dict(dtype='bf16', decode_batch=n) for n in (1, 2, 4)),
        )
    )

    def masks(segmenter: TransformersSegmenter) -> np.ndarray:
        (embedding,) = segmenter.encode([image])
        found = segmenter.decode(embedding, prompts)
        places = np.ndindex(len(prompts), 3)
        return np.array([found.mask(*place) for place in places])

    single, expected = masks(alone), masks(exact)
    for batched in map(masks, (pairs, fours)):
        apart = (batched != single).mean(axis=(1, 2))
        assert apart.max() <= 0.02
        assert apart.mean() <= (single != expected).mean()


def test_cached_segmenter_keeps_masks(
    folders: dict[str, Path], family: str, tmp_path: Path
) -> None:
    image, prompts = make_image(SIZES[0]), make_prompts(SIZES[0])
    cached = CachedSegmenter(
        dict(type='TransformersSegmenter', model=str(folders[family])),
        folder=str(tmp_path),
    )
    (new,), (stored,) = cached.encode([image]), cached.encode([image])
    candidates = cached.decode(stored, prompts)

    pipeline = Pipeline(family, folders[family])
    agreement, difference = compare(candidates, pipeline, image, prompts)

    assert agreement >= 0.999
    assert difference <= 1e-4
    for one, other in zip(new['levels'], stored['levels']):
        assert torch.equal(one, other)


def test_decode_does_not_depend_on_order_or_batches(
    folders: dict[str, Path], family: str
) -> None:
    image, prompts = make_image(SIZES[0]), make_prompts(SIZES[0])
    one, many = (
        TransformersSegmenter(str(folders[family]), decode_batch=size)
        for size in (1, 4)
    )
    (embedding,) = one.encode([image])
    single = one.decode(embedding, prompts)
    backwards = many.decode(embedding, prompts[::-1])

    np.testing.assert_allclose(
        single.scores, backwards.scores[::-1], atol=1e-4
    )
    for index in range(len(prompts)):
        mask = backwards.mask(len(prompts) - 1 - index, 1)
        assert (single.mask(index, 1) == mask).mean() >= 0.999


def test_encode_packs_three_levels_of_sam_2_and_3(
    folders: dict[str, Path], family: str
) -> None:
    segmenter = TransformersSegmenter(str(folders[family]))
    (embedding,) = segmenter.encode([make_image(SIZES[0])])
    packed = segmenter.pack(embedding)

    levels = dict(sam=1, sam_hq=2, sam2=3, sam3=3)[family]
    assert len(packed) == levels + 1
    dtypes = {packed[f'level{index}'].dtype for index in range(levels)}
    assert dtypes == {torch.half}


def test_decode_uses_the_cpu_without_memory(
    folders: dict[str, Path], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, prompts = make_image(SIZES[0]), make_prompts(SIZES[0])
    segmenter, starved = (
        TransformersSegmenter(str(folders[family]), dtype=dtype)
        for dtype in ('fp32', 'auto')
    )
    (embedding,) = segmenter.encode([image])
    expected = segmenter.decode(embedding, prompts)
    decoder = type(build(family).mask_decoder)
    decode, homes = decoder.forward, []

    def run_out_of_memory(self: nn.Module, **options: Any) -> Any:
        # Where the weights were at first.
        homes.append(self.iou_token.weight.data_ptr())
        if homes[-1] == homes[0]:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to')
        return decode(self, **options)

    monkeypatch.setattr(decoder, 'forward', run_out_of_memory)
    found = starved.decode(embedding, prompts)

    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
    assert len(set(homes)) == 2


def test_encode_takes_a_mirrored_view(
    folders: dict[str, Path], family: str
) -> None:
    segmenter = TransformersSegmenter(str(folders[family]))
    view = make_image(SIZES[0])[:, ::-1]
    one, other = segmenter.encode([view, view.copy()])

    for level, expected in zip(one['levels'], other['levels']):
        assert torch.equal(level, expected)


def test_generator_with_transformers_segmenter_equals_the_pipeline(
    folders: dict[str, Path], family: str
) -> None:
    image = make_image((90, 150))
    label = np.full((90, 150), 255, np.uint8)
    label[30:33, 10:140] = 1
    segmenter = dict(type='TransformersSegmenter', model=str(folders[family]))
    generator = TASK_UTILS.build(
        dict(
            type='PseudoLabelGenerator',
            segmenter=dict(type='CachedSegmenter', segmenter=segmenter),
            prompter=dict(type='SkeletonPrompter', max_points=1),
            # One candidate is taken: no other doubles the mask.
            selector=dict(type='CoverageMaskSelector', min_gain=1.0),
            hole_purity=0,
        )
    )
    result = generator(image, label)
    (record,) = result.records
    ((_, index),) = record.chosen
    prompts = [PointPrompt(np.array(record.points))]
    masks, _ = Pipeline(family, folders[family])(image, prompts)

    expected = np.where(masks[0, index], np.uint8(1), label)
    assert (result.label == expected).mean() >= 0.999
    assert (result.label == 1).sum() > 2 * (label == 1).sum()


@pytest.mark.slow
@pytest.mark.parametrize('name', REAL_MODELS)
def test_transformers_segmenter_equals_the_pipeline_at_real_size(
    name: str, tmp_path: Path
) -> None:
    family = dict(sam_vit_b='sam', sam_hq='sam_hq', sam3='sam3').get(
        name, 'sam2'
    )
    model, processor = build_real(name)
    spread(model).save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    size = (300, 400)
    image, prompts = make_image(size), make_prompts(size, counts=(3, 1))
    segmenter = TransformersSegmenter(str(tmp_path))
    (embedding,) = segmenter.encode([image])
    candidates = segmenter.decode(embedding, prompts)

    pipeline = Pipeline(family, tmp_path)
    agreement, difference = compare(candidates, pipeline, image, prompts)

    assert agreement >= 0.999
    assert difference <= 1e-4
