"""A GPU that is not there: tensors with shapes, and no content.

A tensor left on the CPU, and a value that is read back from the GPU, raise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from mmseg_sesam.segmenters.network import NetworkSegmenter

# It skips the tests of the module that imports this one.
if torch.__version__ < (2, 4):
    pytest.skip(
        'torch before 2.4 has no switch of autocast for one device',
        allow_module_level=True,
    )

PRECISIONS = dict(fp32=None, bf16=torch.bfloat16, fp16=torch.float16)


@contextmanager
def fake_gpu(
    precision: str = 'fp32', with_masks: bool = False
) -> Iterator[None]:
    """Makes new tensors fakes, and computes with mixed precision.

    `torch.autocast` switches itself off where there is no GPU. Boolean masks
    as an index, which read their number of pixels back, raise unless
    `with_masks` allows them.
    """
    dtype = PRECISIONS[precision]
    shapes = ShapeEnv(
        allow_dynamic_output_shape_ops=True, allow_scalar_outputs=False
    )
    with FakeTensorMode(shape_env=shapes if with_masks else None):
        if dtype is not None:
            torch.set_autocast_enabled('cuda', True)
            torch.set_autocast_dtype('cuda', dtype)
        try:
            yield
        finally:
            torch.set_autocast_enabled('cuda', False)
            torch.clear_autocast_cache()


def place(module: nn.Module) -> nn.Module:
    """Puts a module that was built on the CPU onto the fake GPU."""
    for part in module.modules():
        for name, weight in list(part.named_parameters(recurse=False)):
            gradient = weight.requires_grad
            setattr(part, name, nn.Parameter(_like(weight), gradient))
        for name, buffer in list(part.named_buffers(recurse=False)):
            setattr(part, name, _like(buffer))
    return module


def _like(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device='cuda')


def assert_on_the_gpu(
    segmenter: NetworkSegmenter,
    image: np.ndarray,
    precision: str,
    encodes: bool = True,
) -> None:
    """Encodes an image and decodes two prompts on the fake GPU.

    Masks cannot be read there, so that it asks the parts of the segmenter
    for tensors. SAM's prompt encoder has boolean masks of points.

    Args:
        segmenter: on the CPU; it cannot be used afterwards.
        image: (H, W, 3) uint8.
        precision: name in `PRECISIONS`.
        encodes: whether the image is encoded on the fake GPU. Otherwise a
            real embedding is copied there.
    """
    real = None if encodes else segmenter.encode([image])[0]
    with fake_gpu(precision, with_masks=True), torch.inference_mode():
        place(segmenter._network)
        if encodes:
            embedding = segmenter.encode_image(image)
        else:
            embedding = dict(real, levels=[_like(x) for x in real['levels']])
        decode = segmenter._decoder.open(embedding)
        points = np.array([[[20.0, 10], [5, 30]], [[40, 30], [50, 60]]])
        logits, scores = decode(points)
    for tensor in (logits, scores):
        assert tensor.device.type == 'cuda'
        assert len(tensor) == 2
    assert logits.dtype == torch.float32
