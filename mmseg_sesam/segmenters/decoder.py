"""Segment Anything's mask decoder, for many prompts on one image."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ImageSide(NamedTuple):
    """What a layer's attentions know of the image, before any prompt.

    N tokens of the image; batch 1 where all prompts share them.

    Attributes:
        key: (1 or n, N, c) float, which prompt tokens look for.
        value: (1 or n, N, c) float, which prompt tokens take.
        query: (1 or n, N, c) float, by which the image looks for tokens.
    """

    key: Tensor
    value: Tensor
    query: Tensor


class Places(NamedTuple):
    """The image's positions, as a layer's attentions project them.

    Attributes:
        key: (1, N, c) float.
        query: (1, N, c) float.
    """

    key: Tensor
    query: Tensor


class SharedImage(NamedTuple):
    """An image as all prompts on it see it.

    Attributes:
        tokens: (1, N, C) float, before the first layer.
        first: of the first layer.
        places: of each layer.
        last: (1, N, c) float, the positions as the last attention's keys.
    """

    tokens: Tensor
    first: ImageSide
    places: list[Places]
    last: Tensor


class SharedDecoder:
    """Gives what the official decoder gives, sooner.

    The official one copies the image for each prompt, adds positions to
    all of its tokens before each projection, and upsamples by transposed
    convolutions. Here the prompts share what does not depend on them: the
    image's side of the first layer, and the projections of positions, which
    are added after the projection of tokens. A transposed convolution of
    stride 2 is a linear layer on each token, and masks that nobody asks for
    are not made. The results are equal up to rounding.

    Args:
        decoder: a `MaskDecoder`, see `serves`.
    """

    def __init__(self, decoder: nn.Module) -> None:
        self._decoder = decoder
        self._layers = decoder.transformer.layers

    @staticmethod
    def serves(decoder: nn.Module) -> bool:
        """Whether it knows a decoder: SAM's and MobileSAM's, not SAM-HQ's."""
        return type(decoder).__name__ == 'MaskDecoder'

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
        tokens = (features + dense).flatten(2).transpose(1, 2)
        positions = positions.flatten(2).transpose(1, 2)
        places = [
            Places(
                F.linear(
                    positions, layer.cross_attn_token_to_image.k_proj.weight
                ),
                F.linear(
                    positions, layer.cross_attn_image_to_token.q_proj.weight
                ),
            )
            for layer in self._layers
        ]
        last = self._decoder.transformer.final_attn_token_to_image.k_proj
        return SharedImage(
            tokens,
            _image_side(self._layers[0], tokens, places[0]),
            places,
            F.linear(positions, last.weight),
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
            side = image.first
            if index:
                side = _image_side(layer, image_tokens, image.places[index])
            if layer.skip_first_layer_pe:
                tokens = layer.self_attn(tokens, tokens, tokens)
            else:
                placed = tokens + prompts
                tokens = tokens + layer.self_attn(placed, placed, tokens)
            tokens = layer.norm1(tokens)
            inward = layer.cross_attn_token_to_image
            query = inward.q_proj(tokens + prompts)
            found = _attend(inward, query, side.key, side.value)
            tokens = layer.norm2(tokens + found)
            tokens = layer.norm3(tokens + layer.mlp(tokens))
            outward = layer.cross_attn_image_to_token
            key = outward.k_proj(tokens + prompts)
            value = outward.v_proj(tokens)
            found = _attend(outward, side.query, key, value)
            image_tokens = layer.norm4(image_tokens + found)
        transformer = self._decoder.transformer
        last = transformer.final_attn_token_to_image
        query = last.q_proj(tokens + prompts)
        key = last.k_proj(image_tokens).add_(image.last)
        found = _attend(last, query, key, last.v_proj(image_tokens))
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


def _image_side(layer: nn.Module, tokens: Tensor, places: Places) -> ImageSide:
    """Projects tokens + positions by projecting both, the latter once."""
    inward = layer.cross_attn_token_to_image
    outward = layer.cross_attn_image_to_token
    return ImageSide(
        key=inward.k_proj(tokens).add_(places.key),
        value=inward.v_proj(tokens),
        query=outward.q_proj(tokens).add_(places.query),
    )


def _attend(
    attention: nn.Module, query: Tensor, key: Tensor, value: Tensor
) -> Tensor:
    """Attention of (1 or n, N, c) projections, projected back to C."""
    batch = max(len(query), len(key))
    heads = [
        part.unflatten(2, (attention.num_heads, -1))
        .transpose(1, 2)
        .expand(batch, -1, -1, -1)
        for part in (query, key, value)
    ]
    mixed = F.scaled_dot_product_attention(*heads)
    return attention.out_proj(mixed.transpose(1, 2).flatten(2))


def _double(convolution: nn.ConvTranspose2d, tokens: Tensor) -> Tensor:
    """A transposed convolution of kernel and stride 2, token by token.

    (n, ..., C) to (n, ..., 2, 2, c): rows and columns within a token; after
    the first, the pixels of all tokens are flat: (n, N, 2, 2, c).
    """
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    bias = convolution.bias.repeat(4)
    doubled = F.linear(tokens.flatten(1, -2), weight, bias)
    return doubled.unflatten(2, (2, 2, -1))
