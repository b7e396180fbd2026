"""Decoding in batches, and networks with less memory than they need."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import sleep

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from segment_anything.modeling import MaskDecoder

from mmseg_sesam.segmenters.sam.segmenter import SAMSegmenter

from .tiny_sam import build_tiny_sam, make_image, make_prompts


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


class OwnDecoder(MaskDecoder):
    """Another class, so that the decoder's own forward is taken."""


def build_own_sam():
    return build_tiny_sam(OwnDecoder)


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


@contextmanager
def logged():
    """Gives the messages that are logged."""
    messages = []
    logger = MMLogger.get_current_instance()
    logger.addFilter(lambda record: messages.append(record.getMessage()))
    try:
        yield messages
    finally:
        logger.removeFilter(logger.filters[-1])


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
    with logged() as messages:
        found = [starved.decode(embedding, prompts) for _ in range(2)]
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


def test_encode_waits_for_decoding_without_memory(
    segmenter, weights, embedding, monkeypatch
):
    prompts = make_prompts((90, 150), counts=(1,))
    starved = SAMSegmenter(**weights, builder=build_own_sam)
    sam = starved._sam
    encode, decode = sam.image_encoder.forward, sam.mask_decoder.forward
    decoding, failed = Event(), Event()

    def encode_if_nothing_is_decoded(pixels):
        if decoding.is_set():
            failed.set()
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to')
        return encode(pixels)

    def decode_slowly(**options):
        decoding.set()
        assert failed.wait(timeout=60)
        # An encoder that does not wait fails again meanwhile.
        sleep(0.2)
        made = decode(**options)
        decoding.clear()
        return made

    monkeypatch.setattr(
        sam.image_encoder, 'forward', encode_if_nothing_is_decoded
    )
    monkeypatch.setattr(sam.mask_decoder, 'forward', decode_slowly)
    with ThreadPoolExecutor() as pool, logged() as messages:
        decoded = pool.submit(starved.decode, embedding, prompts)
        assert decoding.wait(timeout=60)
        (found,) = starved.encode([make_image((90, 150))])
    expected = segmenter.decode(embedding, prompts)
    np.testing.assert_allclose(
        decoded.result().scores, expected.scores, atol=1e-4
    )
    assert torch.equal(found['levels'][0], embedding['levels'][0])
    assert len(messages) == 1
    assert 'decode_batch' in messages[0]


@pytest.mark.parametrize('message', ['CUDA out of memory', 'mat1'])
def test_encode_raises_on_errors_that_waiting_does_not_avoid(
    weights, embedding, monkeypatch, message
):
    def fail(pixels):
        raise RuntimeError(message)

    segmenter = SAMSegmenter(**weights, builder=build_tiny_sam)
    monkeypatch.setattr(segmenter._sam.image_encoder, 'forward', fail)
    with pytest.raises(RuntimeError, match=message):
        segmenter.encode([make_image((90, 150))])
    # The error keeps no thread out.
    prompts = make_prompts((90, 150), counts=(1,))
    assert len(segmenter.decode(embedding, prompts).scores) == 1
