"""Models of transformers at their real sizes, with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

# Options of the image encoder that differ between the sizes of SAM 2.1.
_HIERA: Mapping[str, dict[str, Any]] = dict(
    t=dict(),
    s=dict(
        blocks_per_stage=[1, 2, 11, 2], global_attention_blocks=[7, 10, 13]
    ),
    b_plus=dict(
        hidden_size=112,
        num_attention_heads=2,
        blocks_per_stage=[2, 3, 16, 3],
        embed_dim_per_stage=[112, 224, 448, 896],
        num_attention_heads_per_stage=[2, 4, 8, 16],
        global_attention_blocks=[12, 16, 20],
        window_positional_embedding_background_size=[14, 14],
    ),
    l=dict(
        hidden_size=144,
        num_attention_heads=2,
        blocks_per_stage=[2, 6, 36, 4],
        embed_dim_per_stage=[144, 288, 576, 1152],
        num_attention_heads_per_stage=[2, 4, 8, 16],
        window_size_per_stage=[8, 4, 16, 8],
        global_attention_blocks=[23, 33, 43],
    ),
)
# By the name of the base config that loads such a model.
REAL_MODELS = (
    'sam_vit_b',
    'sam_hq',
    *(f'sam2_1_hiera_{size}' for size in _HIERA),
    'sam3',
)


def build_real(name: str) -> tuple[nn.Module, Any]:
    """Builds a model of `REAL_MODELS`, with a fixed seed, and its processor.

    The sizes are those of the official weights.
    """
    import transformers as tf

    torch.manual_seed(1)
    if name == 'sam_vit_b':
        return tf.SamModel(tf.SamConfig()), tf.SamProcessor(
            tf.SamImageProcessor()
        )
    if name == 'sam_hq':
        return tf.SamHQModel(tf.SamHQConfig()), tf.SamHQProcessor(
            tf.SamImageProcessor()
        )
    if name == 'sam3':
        processor = tf.Sam3TrackerProcessor(tf.Sam3ImageProcessor())
        return tf.Sam3TrackerModel(tf.Sam3TrackerConfig()), processor
    options = _HIERA[name.removeprefix('sam2_1_hiera_')]
    vision = dict(
        backbone_config=dict(model_type='sam2_hiera_det_model', **options)
    )
    if 'embed_dim_per_stage' in options:
        channels = options['embed_dim_per_stage'][::-1]
        vision['backbone_channel_list'] = channels
    config = tf.Sam2Config(vision_config=vision)
    return tf.Sam2Model(config), tf.Sam2Processor(tf.Sam2ImageProcessor())


def save_real(name: str, folder: Path) -> Path:
    """Saves a model of `REAL_MODELS` and its processor; returns the folder."""
    model, processor = build_real(name)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
