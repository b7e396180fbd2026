"""Segment Anything's mask decoder, faster for many prompts on an image."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Module and class of the decoders whose layers `SharedDecoder` computes.
_SUPPORTED = [
    (f'{package}.modeling.mask_decoder', 'MaskDecoder')
    for package in ('segment_anything', 'mobile_sam')
]


class SharedImage(NamedTuple):
    """The tensors of an image that all prompts share.

    Attributes:
        tokens: (1, N, C) float, image tokens before the first layer.
        positions: (1, N, C) float, their position encodings.
        key: (1, N, c) float, keys of the first attention of prompts to image.
        value: (1, N, c) float, its values.
        query: (1, N, c) float, queries of the first attention of image to
            prompts.
    """

    tokens: Tensor
    positions: Tensor
    key: Tensor
    value: Tensor
    query: Tensor


class SharedDecoder:
    """Computes the output of the official decoder faster, up to rounding.

    The official decoder copies the image for each prompt, projects all image
    tokens for each attention, and upsamples by transposed convolutions. Here
    the prompts share the image's part of the first layer. Other layers
    project the few prompt tokens in place of the many image tokens, because
    `(x W) q` is `x (W q)`. A transposed convolution of stride 2 is a linear
    layer on each token, and SAM's single mask is not computed.

    Args:
        decoder: a `MaskDecoder`, see `supports`.
    """

    def __init__(self, decoder: nn.Module) -> None:
        self._decoder = decoder
        self._layers = decoder.transformer.layers

    @staticmethod
    def supports(decoder: nn.Module) -> bool:
        """Returns whether a decoder is SAM's or MobileSAM's.

        SAM 2's class is also called `MaskDecoder`, and would give wrong
        masks without an error; therefore the module is compared too.
        """
        kind = type(decoder)
        return (kind.__module__, kind.__name__) in _SUPPORTED

    def share(
        self, features: Tensor, dense: Tensor, positions: Tensor
    ) -> SharedImage:
        """Prepares an image for prompts.

        Args:
            features: (1, C, h, w) float output of the image encoder.
            dense: (1, C, h, w) float output of the prompt encoder for no mask.
            positions: (1, C, h, w) float position encodings.
        """
        tokens, positions = (
            maps.flatten(2).transpose(1, 2).contiguous()
            for maps in (features + dense, positions)
        )
        placed = tokens + positions
        inward = self._layers[0].cross_attn_token_to_image
        outward = self._layers[0].cross_attn_image_to_token
        return SharedImage(
            tokens,
            positions,
            key=inward.k_proj(placed),
            value=inward.v_proj(tokens),
            query=outward.q_proj(placed),
        )

    def __call__(
        self, image: SharedImage, sparse: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns (n, 3, 4 h, 4 w) logits and (n, 3) predicted IoU, float.

        `sparse` is the prompt encoder's (n, K, C) output for n prompts.
        """
        decoder = self._decoder
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        prompts = torch.cat([own.expand(len(sparse), -1, -1), sparse], dim=1)
        tokens, image_tokens = self._transform(prompts, image)
        # The first mask token is for a single mask; three follow.
        hyper = [
            decoder.output_hypernetworks_mlps[i](tokens[:, 1 + i])
            for i in range(1, decoder.num_mask_tokens)
        ]
        logits = self._draw(image_tokens, torch.stack(hyper, dim=-1))
        return logits, decoder.iou_prediction_head(tokens[:, 0])[:, 1:]

    def _transform(
        self, prompts: Tensor, image: SharedImage
    ) -> tuple[Tensor, Tensor]:
        """Returns prompt and image tokens after all transformer layers."""
        tokens, image_tokens = prompts, image.tokens
        for index, layer in enumerate(self._layers):
            if layer.skip_first_layer_pe:
                tokens = layer.self_attn(tokens, tokens, tokens)
            else:
                placed = tokens + prompts
                tokens = tokens + layer.self_attn(placed, placed, tokens)
            tokens = layer.norm1(tokens)
            inward = layer.cross_attn_token_to_image
            outward = layer.cross_attn_image_to_token
            if index:
                places = image_tokens + image.positions
                found = _attend_to_image(
                    inward, tokens + prompts, places, image_tokens
                )
            else:
                query = inward.q_proj(tokens + prompts)
                found = _attend(inward, query, image.key, image.value)
            tokens = layer.norm2(tokens + found)
            tokens = layer.norm3(tokens + layer.mlp(tokens))
            key = _scaled_heads(outward, outward.k_proj(tokens + prompts))
            if index:
                scores = _scores(outward.q_proj, key, places)
                scores += _shifts(outward.q_proj, key)
            else:
                query = _heads(outward, image.query)
                scores = key @ query.transpose(2, 3)
            update = _attend_to_prompts(
                outward, scores, outward.v_proj(tokens)
            )
            image_tokens = layer.norm4(image_tokens + update)
        transformer = self._decoder.transformer
        found = _attend_to_image(
            transformer.final_attn_token_to_image,
            tokens + prompts,
            image_tokens + image.positions,
            image_tokens,
        )
        return transformer.norm_final_attn(tokens + found), image_tokens

    def _draw(self, tokens: Tensor, hyper: Tensor) -> Tensor:
        """Returns (n, M, 4 h, 4 w) logits of (n, N, C) tokens, (n, c, M)."""
        first, norm, act, second, last_act = self._decoder.output_upscaling
        fine = _double(first, tokens)
        fine = F.layer_norm(
            fine, fine.shape[-1:], norm.weight, norm.bias, norm.eps
        )
        fine = last_act(_double(second, act(fine)))
        count, _, _, _, channels = fine.shape
        logits = fine.reshape(count, -1, channels) @ hyper
        # Each token has 2 x 2 cells, each of 2 x 2 pixels.
        side = int(tokens.shape[1] ** 0.5)
        logits = logits.view(count, side, side, 2, 2, 2, 2, -1)
        logits = logits.permute(0, 7, 1, 3, 5, 2, 4, 6)
        return logits.reshape(count, -1, 4 * side, 4 * side)


def _heads(attention: nn.Module, tokens: Tensor) -> Tensor:
    """Splits a (n, N, c) projection into heads: (n, h, N, c / h)."""
    return tokens.unflatten(2, (attention.num_heads, -1)).transpose(1, 2)


def _scaled_heads(attention: nn.Module, tokens: Tensor) -> Tensor:
    """Returns `_heads` divided by the square root of their channels."""
    heads = _heads(attention, tokens)
    return heads * heads.shape[3] ** -0.5


def _attend(
    attention: nn.Module, query: Tensor, key: Tensor, value: Tensor
) -> Tensor:
    """Returns attention of (n, T, c) queries to (1, N, c) keys, values."""
    heads = [
        _heads(attention, part).expand(len(query), -1, -1, -1)
        for part in (query, key, value)
    ]
    mixed = F.scaled_dot_product_attention(*heads)
    return attention.out_proj(mixed.transpose(1, 2).flatten(2))


def _scores(projection: nn.Linear, heads: Tensor, image: Tensor) -> Tensor:
    """Returns (n, h, T, N) products of (n, h, T, d) heads and an image.

    `projection` maps (n, N, C) image tokens to h d channels. Its bias is left
    out, see `_shifts`.
    """
    weight = projection.weight.unflatten(0, (heads.shape[1], -1))
    folded = (heads @ weight).flatten(1, 2)
    return (folded @ image.transpose(1, 2)).unflatten(1, heads.shape[1:3])


def _shifts(projection: nn.Linear, heads: Tensor) -> Tensor:
    """Returns (n, h, T, 1), the bias's contribution to `_scores`."""
    bias = projection.bias.unflatten(0, (heads.shape[1], 1, -1))
    return (heads * bias).sum(dim=3, keepdim=True)


def _attend_to_image(
    attention: nn.Module, tokens: Tensor, places: Tensor, image: Tensor
) -> Tensor:
    """Returns attention of (n, T, C) tokens to (n, N, C) keys, values."""
    query = _scaled_heads(attention, attention.q_proj(tokens))
    # Softmax ignores the bias, which shifts all scores of a token equally.
    shares = _scores(attention.k_proj, query, places).softmax(dim=3)
    mixed = (shares.flatten(1, 2) @ image).unflatten(1, shares.shape[1:3])
    weight = attention.v_proj.weight.unflatten(0, (shares.shape[1], -1))
    value = (mixed @ weight.transpose(1, 2)).transpose(1, 2).flatten(2)
    # Shares add up to 1, so that the bias can be added afterwards.
    return attention.out_proj(value + attention.v_proj.bias)


def _attend_to_prompts(
    attention: nn.Module, scores: Tensor, value: Tensor
) -> Tensor:
    """Returns (n, N, C) image updates of (n, h, T, N) scores, (n, T, c)."""
    output = attention.out_proj
    weight = output.weight.unflatten(1, (attention.num_heads, -1))
    value = _heads(attention, value) @ weight.permute(1, 2, 0)
    # Shares add up to 1 in each head, so that each adds its part of the bias.
    value = (value + output.bias / attention.num_heads).flatten(1, 2)
    shares = scores.softmax(dim=2).flatten(1, 2)
    return shares.transpose(1, 2) @ value


def _double(convolution: nn.ConvTranspose2d, tokens: Tensor) -> Tensor:
    """Applies a transposed convolution of kernel and stride 2 to tokens.

    (n, ..., C) becomes (n, N, 2, 2, c), N tokens of 2 x 2 cells each.
    """
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    bias = convolution.bias.repeat(4)
    doubled = F.linear(tokens.flatten(1, -2), weight, bias)
    return doubled.unflatten(2, (2, 2, -1))
