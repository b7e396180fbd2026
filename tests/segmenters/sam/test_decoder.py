"""The shared decoder against the official one."""

from __future__ import annotations

import pytest
import torch
from segment_anything.modeling import (
    MaskDecoder,
    PromptEncoder,
    TwoWayTransformer,
)
from torch import nn

from mmseg_sesam.segmenters.sam.decoder import SharedDecoder

CELLS = 6


@pytest.fixture
def prompt_encoder() -> PromptEncoder:
    torch.manual_seed(0)
    return PromptEncoder(
        embed_dim=16,
        image_embedding_size=(CELLS, CELLS),
        input_image_size=(96, 96),
        mask_in_chans=4,
    ).eval()


def build_decoder(depth: int) -> MaskDecoder:
    torch.manual_seed(1)
    decoder = MaskDecoder(
        transformer_dim=16,
        transformer=TwoWayTransformer(
            depth=depth, embedding_dim=16, num_heads=2, mlp_dim=32
        ),
    )
    for parameter in decoder.parameters():
        # Norms and biases begin at ones and zeros, where some would not
        # be missed.
        nn.init.normal_(parameter, std=0.5)
    return decoder.eval()


@pytest.mark.parametrize('depth', [1, 2, 3])
@pytest.mark.parametrize('count, points', [(1, 1), (3, 1), (2, 4)])
@torch.inference_mode()
def test_shared_decoder_equals_the_official_decoder(
    prompt_encoder: PromptEncoder, depth: int, count: int, points: int
) -> None:
    official = build_decoder(depth)
    features = torch.randn(1, 16, CELLS, CELLS)
    positions = prompt_encoder.get_dense_pe()
    sparse, dense = prompt_encoder(
        points=(
            96 * torch.rand(count, points, 2),
            torch.randint(0, 2, (count, points)),
        ),
        boxes=None,
        masks=None,
    )
    expected = official(
        image_embeddings=features,
        image_pe=positions,
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
    )

    shared = SharedDecoder(official)
    found = shared(shared.share(features, dense[:1], positions), sparse)

    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_shared_decoder_supports_by_module_and_class() -> None:
    decoder = build_decoder(1)
    assert SharedDecoder.supports(decoder)
    foreign = 'sam2.modeling.sam.mask_decoder'
    for name, module in (
        ('MaskDecoderHQ', MaskDecoder.__module__),
        ('MaskDecoder', foreign),
        ('MaskDecoder', __name__),
    ):
        members = dict(__module__=module)
        decoder.__class__ = type(name, (MaskDecoder,), members)
        assert not SharedDecoder.supports(decoder)
