"""Small models of each family with random weights, saved in folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

transformers = pytest.importorskip(
    'transformers', reason='the extra [transformers] is not installed'
)

# Image side and patch of the small models. As in the real ones, the patch of
# SAM 3 is no multiple of the cells of its logits.
SIDE, PATCH = 128, 16
SIDE_3, PATCH_3 = 112, 14
CHANNELS = 32
# Classes of model and processor of each family.
CLASSES = dict(
    sam=('SamModel', 'SamProcessor'),
    sam_hq=('SamHQModel', 'SamHQProcessor'),
    sam2=('Sam2Model', 'Sam2Processor'),
    sam3=('Sam3TrackerModel', 'Sam3TrackerProcessor'),
)


def _parts(side: int, patch: int, **decoder: Any) -> dict[str, Any]:
    """Configs of the prompt encoder and the mask decoder."""
    return dict(
        prompt_encoder_config=dict(
            hidden_size=CHANNELS, image_size=side, patch_size=patch
        ),
        mask_decoder_config=dict(
            hidden_size=CHANNELS,
            mlp_dim=64,
            num_attention_heads=4,
            iou_head_hidden_dim=CHANNELS,
            **decoder,
        ),
    )


def _vit() -> dict[str, Any]:
    return dict(
        hidden_size=CHANNELS,
        output_channels=CHANNELS,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        # Does not divide the image.
        window_size=3,
        global_attn_indexes=[1],
        num_pos_feats=CHANNELS // 2,
    )


def _hiera() -> dict[str, Any]:
    backbone = dict(
        model_type='sam2_hiera_det_model',
        hidden_size=8,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[8, 4, 4, 2],
        global_attention_blocks=[3],
    )
    return dict(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[SIDE // n] * 2 for n in (4, 8, 16)],
        fpn_hidden_size=CHANNELS,
    )


def _vit_3() -> dict[str, Any]:
    backbone = dict(
        model_type='sam3_vit_model',
        hidden_size=CHANNELS,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE_3,
        patch_size=PATCH_3,
        window_size=4,
        global_attn_indexes=[1],
        pretrain_image_size=56,
    )
    cells = SIDE_3 // PATCH_3
    return dict(
        model_type='sam3_vision_model',
        backbone_config=backbone,
        backbone_feature_sizes=[[cells * n] * 2 for n in (4, 2, 1)],
        fpn_hidden_size=CHANNELS,
    )


def build(family: str) -> nn.Module:
    """Builds a small model of a family with random weights."""
    torch.manual_seed(0)
    tf = transformers
    if family == 'sam':
        config = tf.SamConfig(vision_config=_vit(), **_parts(SIDE, PATCH))
        return tf.SamModel(config)
    if family == 'sam_hq':
        parts = _parts(SIDE, PATCH, vit_dim=CHANNELS)
        return tf.SamHQModel(tf.SamHQConfig(vision_config=_vit(), **parts))
    if family == 'sam2':
        config = tf.Sam2Config(vision_config=_hiera(), **_parts(SIDE, PATCH))
        return tf.Sam2Model(config)
    parts = _parts(SIDE_3, PATCH_3)
    config = tf.Sam3TrackerConfig(vision_config=_vit_3(), **parts)
    return tf.Sam3TrackerModel(config)


def build_sam3_video() -> nn.Module:
    """Builds a small model as the official weights of SAM 3 are of."""
    torch.manual_seed(0)
    layers = dict(
        hidden_size=CHANNELS,
        intermediate_size=64,
        num_layers=1,
        num_attention_heads=2,
    )
    text = dict(
        model_type='clip_text_model',
        hidden_size=CHANNELS,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=64,
        projection_dim=CHANNELS,
    )
    detector = dict(
        model_type='sam3',
        vision_config=_vit_3(),
        text_config=text,
        geometry_encoder_config=layers,
        detr_encoder_config=layers,
        detr_decoder_config=dict(layers, num_queries=4),
        mask_decoder_config=dict(hidden_size=CHANNELS, num_attention_heads=2),
    )
    tracker = dict(
        model_type='sam3_tracker_video',
        vision_config=_vit_3(),
        image_size=SIDE_3,
        memory_attention_hidden_size=CHANNELS,
        memory_attention_num_layers=1,
        memory_attention_num_attention_heads=1,
        memory_attention_feed_forward_hidden_size=CHANNELS,
        memory_encoder_hidden_size=CHANNELS,
        memory_encoder_output_channels=8,
        mask_downsampler_embed_dim=CHANNELS,
        memory_fuser_embed_dim=CHANNELS,
        memory_fuser_num_layers=1,
        memory_fuser_intermediate_dim=CHANNELS,
        **_parts(SIDE_3, PATCH_3),
    )
    config = transformers.Sam3VideoConfig(
        detector_config=detector, tracker_config=tracker, low_res_mask_size=32
    )
    return transformers.Sam3VideoModel(config)


def make_processor(family: str, side: int | None = None) -> Any:
    """Makes the processor of a family, for images of a side."""
    tf = transformers
    if family in ('sam', 'sam_hq'):
        side = side or SIDE
        images = tf.SamImageProcessor(
            size=dict(longest_edge=side),
            pad_size=dict(height=side, width=side),
        )
    else:
        side = side or dict(sam2=SIDE, sam3=SIDE_3)[family]
        kind = dict(sam2=tf.Sam2ImageProcessor, sam3=tf.Sam3ImageProcessor)
        images = kind[family](size=dict(height=side, width=side))
    return getattr(tf, CLASSES[family][1])(images)


def spread(model: nn.Module) -> nn.Module:
    """Changes weights so that masks are neither empty nor full.

    Random weights are small and biases zero: scores and masks of all prompts
    would be about the same, and wrong points would not be noticed.
    """
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if 'positional_embedding' in name or 'layer_norm' in name:
                continue
            std = weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.1
            weight.normal_(std=std, generator=generator)
    return model.eval()


def save(family: str, folder: Path, model: nn.Module | None = None) -> Path:
    """Saves a small model and its processor; returns the folder."""
    model = model or spread(build(family))
    model.save_pretrained(folder)
    make_processor(family).save_pretrained(folder)
    return folder
