"""Fused attention against the encoder's own."""

from __future__ import annotations

import copy

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT
from torch import nn

from mmseg_sesam.segmenters.sam.attention import fuse_attention


def build_encoder(use_rel_pos: bool) -> ImageEncoderViT:
    """One layer in windows that do not divide the image, one global."""
    torch.manual_seed(0)
    encoder = ImageEncoderViT(
        img_size=80,
        patch_size=16,
        embed_dim=16,
        depth=2,
        num_heads=2,
        out_chans=8,
        use_rel_pos=use_rel_pos,
        window_size=3,
        global_attn_indexes=(1,),
    )
    for name, parameter in encoder.named_parameters():
        # They begin at zero, where they would change nothing.
        if 'pos' in name:
            nn.init.normal_(parameter)
    return encoder.eval()


@pytest.mark.parametrize('use_rel_pos', [True, False])
@torch.inference_mode()
def test_fuse_attention_equals_the_encoder(use_rel_pos: bool) -> None:
    encoder = build_encoder(use_rel_pos)
    fused = copy.deepcopy(encoder)
    fuse_attention(fused)
    images = torch.randn(2, 3, 80, 80)

    torch.testing.assert_close(
        fused(images), encoder(images), rtol=1e-4, atol=1e-5
    )


def test_fuse_attention_keeps_no_attention_of_all_pairs() -> None:
    encoder = build_encoder(True)
    fuse_attention(encoder)
    with torch.profiler.profile() as profile:
        encoder(torch.randn(1, 3, 80, 80))
    names = {event.key for event in profile.key_averages()}

    assert 'aten::scaled_dot_product_attention' in names


def test_fuse_attention_uses_relative_positions() -> None:
    encoder = build_encoder(True)
    fuse_attention(encoder)
    images = torch.randn(1, 3, 80, 80)
    before = encoder(images)
    nn.init.zeros_(encoder.blocks[1].attn.rel_pos_h)

    assert not torch.allclose(encoder(images), before)


def test_fuse_attention_leaves_other_encoders_unchanged() -> None:
    encoder = nn.Sequential(nn.MultiheadAttention(8, 2), nn.Linear(8, 8))
    fuse_attention(encoder)

    assert not any('forward' in vars(m) for m in encoder.modules())
