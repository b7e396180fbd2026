"""Segment Anything's mask decoder, for many prompts on one image."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Module and class of the decoders whose structure `SharedDecoder` knows.
_SERVED = [
    (f'{package}.modeling.mask_decoder', 'MaskDecoder')
    for package in ('segment_anything', 'mobile_sam')
]


class SharedImage(NamedTuple):
    """An image as all prompts on it see it.

    N tokens of C channels; an attention projects them to c.

    Attributes:
        tokens: (1, N, C) float, before the first layer.
        positions: (1, N, C) float encodings.
        key: (1, N, c) float, which prompts look for in the first layer.
        value: (1, N, c) float, which prompts take in the first layer.
        query: (1, N, c) float, by which it looks for prompts there.
    """

    tokens: Tensor
    positions: Tensor
    key: Tensor
    value: Tensor
    query: Tensor


class SharedDecoder:
    """Gives what the official decoder gives, sooner.

    The official one copies the image for each prompt, projects all of its
    tokens for each attention, and upsamples by transposed convolutions.
    Here the prompts share the image's side of the first layer. In the other
    layers the projections are applied to the prompt's tokens, which are few:
    `(x W) q` is `x (W q)`. A transposed convolution of stride 2 is a linear
    layer on each token, and masks that nobody asks for are not made. The
    results are equal up to rounding.

    Args:
        decoder: a `MaskDecoder`, see `serves`.
    """

    def __init__(self, decoder: nn.Module) -> None:
        self._decoder = decoder
        self._layers = decoder.transformer.layers

    @staticmethod
    def serves(decoder: nn.Module) -> bool:
        """Returns whether a decoder is SAM's or MobileSAM's.

        The class name alone does not tell: SAM 2's class is also called
        `MaskDecoder`, and would give wrong masks without an error.
        """
        kind = type(decoder)
        return (kind.__module__, kind.__name__) in _SERVED

    def share(
        self, features: Tensor, dense: Tensor, positions: Tensor
    ) -> SharedImage:
        """Prepares an image for prompts.

        Args:
            features: (1, C, h, w) float, from the image encoder.
            dense: (1, C, h, w) float, of the prompt encoder without masks.
            positions: (1, C, h, w) float encodings.

        Returns:
            The image.
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
        """Decodes n prompts.

        Args:
            image: from `share`.
            sparse: (n, K, C) float, of the prompt encoder.

        Returns:
            (n, 3, 4 h, 4 w) logits and (n, 3) predicted IoU, both float.
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
        """Lets prompt tokens and image tokens attend to each other."""
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
                found = _look(inward, tokens + prompts, places, image_tokens)
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
            told = _tell(outward, scores, outward.v_proj(tokens))
            image_tokens = layer.norm4(image_tokens + told)
        transformer = self._decoder.transformer
        found = _look(
            transformer.final_attn_token_to_image,
            tokens + prompts,
            image_tokens + image.positions,
            image_tokens,
        )
        return transformer.norm_final_attn(tokens + found), image_tokens

    def _draw(self, tokens: Tensor, hyper: Tensor) -> Tensor:
        """(n, M, 4 h, 4 w) logits of (n, N, C) tokens and (n, c, M)."""
        first, norm, act, second, last_act = self._decoder.output_upscaling
        fine = _double(first, tokens)
        fine = F.layer_norm(
            fine, fine.shape[-1:], norm.weight, norm.bias, norm.eps
        )
        fine = last_act(_double(second, act(fine)))
        count, _, _, _, channels = fine.shape
        logits = fine.reshape(count, -1, channels) @ hyper
        # A token's pixels: 2 x 2, and 2 x 2 in each of them.
        side = int(tokens.shape[1] ** 0.5)
        logits = logits.view(count, side, side, 2, 2, 2, 2, -1)
        logits = logits.permute(0, 7, 1, 3, 5, 2, 4, 6)
        return logits.reshape(count, -1, 4 * side, 4 * side)


def _heads(attention: nn.Module, tokens: Tensor) -> Tensor:
    """(n, N, c) to (n, h, N, c / h): each head's part of a projection."""
    return tokens.unflatten(2, (attention.num_heads, -1)).transpose(1, 2)


def _scaled_heads(attention: nn.Module, tokens: Tensor) -> Tensor:
    """The same, divided by the square root of its channels."""
    heads = _heads(attention, tokens)
    return heads * heads.shape[3] ** -0.5


def _attend(
    attention: nn.Module, query: Tensor, key: Tensor, value: Tensor
) -> Tensor:
    """Attention of (n, T, c) queries and (1, N, c) keys and values."""
    heads = [
        _heads(attention, part).expand(len(query), -1, -1, -1)
        for part in (query, key, value)
    ]
    mixed = F.scaled_dot_product_attention(*heads)
    return attention.out_proj(mixed.transpose(1, 2).flatten(2))


def _scores(projection: nn.Linear, heads: Tensor, image: Tensor) -> Tensor:
    """Products of a projection of the image with each head's tokens.

    Args:
        projection: of the image, to h times d channels; without its bias,
            see `_shifts`.
        heads: (n, h, T, d) tokens.
        image: (n, N, C) tokens.

    Returns:
        (n, h, T, N) scores.
    """
    weight = projection.weight.unflatten(0, (heads.shape[1], -1))
    folded = (heads @ weight).flatten(1, 2)
    return (folded @ image.transpose(1, 2)).unflatten(1, heads.shape[1:3])


def _shifts(projection: nn.Linear, heads: Tensor) -> Tensor:
    """(n, h, T, 1), what the projection's bias adds to the scores."""
    bias = projection.bias.unflatten(0, (heads.shape[1], 1, -1))
    return (heads * bias).sum(dim=3, keepdim=True)


def _look(
    attention: nn.Module, tokens: Tensor, places: Tensor, image: Tensor
) -> Tensor:
    """Lets (n, T, C) tokens take from the image, (n, N, C) twice."""
    query = _scaled_heads(attention, attention.q_proj(tokens))
    # A shift of all scores of a token changes nothing.
    shares = _scores(attention.k_proj, query, places).softmax(dim=3)
    mixed = (shares.flatten(1, 2) @ image).unflatten(1, shares.shape[1:3])
    weight = attention.v_proj.weight.unflatten(0, (shares.shape[1], -1))
    taken = (mixed @ weight.transpose(1, 2)).transpose(1, 2).flatten(2)
    # Shares add up to 1: the bias may follow.
    return attention.out_proj(taken + attention.v_proj.bias)


def _tell(attention: nn.Module, scores: Tensor, value: Tensor) -> Tensor:
    """Lets the image take from tokens.

    Args:
        attention: of the image to tokens.
        scores: (n, h, T, N).
        value: (n, T, c) of the tokens.

    Returns:
        (n, N, C).
    """
    output = attention.out_proj
    weight = output.weight.unflatten(1, (attention.num_heads, -1))
    given = _heads(attention, value) @ weight.permute(1, 2, 0)
    # Shares add up to 1 for each head: so do the biases.
    given = (given + output.bias / attention.num_heads).flatten(1, 2)
    shares = scores.softmax(dim=2).flatten(1, 2)
    return shares.transpose(1, 2) @ given


def _double(convolution: nn.ConvTranspose2d, tokens: Tensor) -> Tensor:
    """A transposed convolution of kernel and stride 2, token by token.

    (n, ..., C) to (n, ..., 2, 2, c): rows and columns within a token; after
    the first, the pixels of all tokens are flat: (n, N, 2, 2, c).
    """
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    bias = convolution.bias.repeat(4)
    doubled = F.linear(tokens.flatten(1, -2), weight, bias)
    return doubled.unflatten(2, (2, 2, -1))
