"""Layers whose padding moves features, depending on the size of an image."""

from __future__ import annotations

from mmseg.models import EncoderDecoder
from torch import nn

# Ends of the names of classes that pad as TensorFlow does: those of timm,
# `Conv2dAdaptivePadding` of mmcv, and `AdaptivePadding` of mmseg with 'same'.
_ENDS = ('2dSame', 'AdaptivePadding')


def moving_features(model: EncoderDecoder) -> str | None:
    """Returns a warning about features that move, or None.

    Layers with a stride that pad as TensorFlow does put the padding of an
    even side behind it, and that of an odd side around it. So features of
    images whose sides are no multiple of the backbone's stride lie elsewhere
    than those of the crops that the network was trained on, by up to half of
    the stride (docs/lab_notebook.md has a measurement).

    One such layer moves features by a pixel, and is let pass.
    """
    layers = [
        type(module).__name__
        for module in model.backbone.modules()
        if _pads_around(module) and _stride(module) > 1
    ]
    if len(layers) < 2:
        return None
    preprocessor = model.data_preprocessor
    divisor = (preprocessor.test_cfg or {}).get('size_divisor')
    if divisor is None:
        return (
            f'{len(layers)} layers of the backbone ({layers[0]}) pad as '
            'TensorFlow does, so that predictions for images of other sizes '
            'than the crops are moved by some pixels; set model.'
            'data_preprocessor.test_cfg=dict(size_divisor=32), or the stride '
            'of your backbone.'
        )
    size = preprocessor.size or (preprocessor.size_divisor or 0,)
    if any(side % divisor for side in size):
        return (
            f'Crops of {size} pixels are no multiple of size_divisor='
            f'{divisor} in test_cfg of the data_preprocessor, and '
            f'{len(layers)} layers of the backbone ({layers[0]}) pad as '
            'TensorFlow does, so that predictions are moved by some pixels; '
            'take crops of multiples.'
        )
    return None


def _pads_around(module: nn.Module) -> bool:
    """Returns whether a layer pads at all sides, which moves features.

    Padding at the corner, as in Swin, is at the right and the bottom alone.
    """
    corner = getattr(module, 'padding', None) == 'corner'
    return type(module).__name__.endswith(_ENDS) and not corner


def _stride(module: nn.Module) -> int:
    stride = getattr(module, 'stride', 1)
    return stride if isinstance(stride, int) else max(stride)
