"""Decoding in batches, and with less memory than a batch takes."""

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from segment_anything.modeling import MaskDecoder

from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

from .tiny_sam import build_tiny_sam, make_prompts


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


def build_full_sam():
    return build_tiny_sam(FullDecoder)


def build_sam_without_memory():
    return build_tiny_sam(GPUWithoutMemory)


def build_broken_sam():
    return build_tiny_sam(BrokenDecoder)


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
