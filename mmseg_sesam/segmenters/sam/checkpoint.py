"""Checkpoint file or URL -> state dict, if the checksum is the expected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import torch

from mmseg_sesam.io.digests import files_digest

SAM_URL = 'https://dl.fbaipublicfiles.com/segment_anything/'

# Meta publishes no sha256, only the first six digits of the md5 in the file
# names. Several independent projects pin these sha256 of the files at SAM_URL.
SAM_SHA256 = {
    'sam_vit_h_4b8939.pth': (
        'a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e'
    ),
    'sam_vit_l_0b3195.pth': (
        '3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622'
    ),
    'sam_vit_b_01ec64.pth': (
        'ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912'
    ),
}


def load_checkpoint(
    checkpoint: str | os.PathLike | None, sha256: str | None = None
) -> tuple[dict[str, torch.Tensor], str]:
    """Loads a state dict from a file whose sha256 is known.

    Args:
        checkpoint: a path, or an https URL, which is downloaded once into
            the cache of torch.hub.
        sha256: sha256 of the file, 64 hex digits; None for an official file
            of segment-anything.

    Returns:
        The state dict on the CPU, and the file's sha256.

    Raises:
        ValueError: no checkpoint is given, the URL is not https, the
            sha256 differs or is unknown, or the file holds other objects
            than tensors by their names.
        FileNotFoundError: the file does not exist.
        ConnectionError: the URL cannot be downloaded.
    """
    if not checkpoint:
        raise ValueError(
            'No SAM checkpoint is configured; set checkpoint= to the path '
            f'or https URL of one, for example {_official_url()}.'
        )
    checkpoint = os.fspath(checkpoint)
    if '://' in checkpoint:
        path = _download(checkpoint, sha256)
    else:
        path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(
            f'The SAM checkpoint {path.absolute()} does not exist; download '
            f'it, for example from {_official_url(path.name)}, and put it '
            'there, or set checkpoint= to its path or https URL.'
        )
    with path.open('rb') as file:
        digest = _verify(file, sha256)
        return _unpickle(file), digest


def _official_url(name: str = 'sam_vit_h_4b8939.pth') -> str:
    """Returns the URL of an official file; of ViT-H's for other names."""
    return SAM_URL + (name if name in SAM_SHA256 else 'sam_vit_h_4b8939.pth')


def _download(url: str, sha256: str | None) -> Path:
    """Downloads a file into the cache unless it is there; returns its path."""
    parts = urlsplit(url)
    name = Path(parts.path).name
    sha256 = sha256 or SAM_SHA256.get(name)
    if parts.scheme != 'https' or not name or not sha256:
        raise ValueError(
            f'The checkpoint {url} is not downloaded: expected an https URL '
            "of a file, and, unless it is one of segment-anything's official "
            'files, the sha256= that its publisher states.'
        )
    path = Path(torch.hub.get_dir(), 'checkpoints', name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Writes a temporary file, verifies it, then renames it.
            torch.hub.download_url_to_file(url, str(path), sha256.lower())
        except (OSError, RuntimeError) as error:
            raise ConnectionError(
                f'The checkpoint {url} could not be downloaded ({error}); '
                f'try again, or put the file at {path}.'
            ) from error
    return path


def _verify(file: BinaryIO, sha256: str | None) -> str:
    """Returns the sha256 of a file; raises unless expected or official."""
    digest = files_digest([file])
    name = Path(file.name).name
    if not sha256 and digest != SAM_SHA256.get(name, digest):
        # A download that stopped half-way must not be trusted.
        raise ValueError(
            f'The checkpoint {file.name} has the sha256 {digest}, expected '
            f'{SAM_SHA256[name]}; it is damaged or another file: remove it '
            f'and download it again from {_official_url(name)}.'
        )
    if sha256 and digest != sha256.lower():
        raise ValueError(
            f'The checkpoint {file.name} has the sha256 {digest}, expected '
            f'{sha256}; it is damaged or another file, so replace it or '
            'correct sha256=.'
        )
    if not sha256 and digest not in SAM_SHA256.values():
        raise ValueError(
            f'The checkpoint {file.name} has the sha256 {digest}, which is '
            "none of segment-anything's official files; replace it if it "
            'should be one, or, if you trust its source, set sha256='
            f"'{digest}'."
        )
    file.seek(0)
    return digest


def _unpickle(file: BinaryIO) -> dict[str, torch.Tensor]:
    try:
        state = torch.load(file, map_location='cpu', weights_only=True)
    except Exception as error:  # noqa: BLE001, damaged files raise anything
        # The text of torch's error advises to load without weights_only.
        raise ValueError(
            f'The checkpoint {file.name} is refused: expected a state dict '
            'saved by torch.save, found another file or objects other than '
            'tensors; save the state dict alone.'
        ) from error
    if not isinstance(state, dict):
        raise ValueError(
            f'The checkpoint {file.name} holds a {type(state).__name__}, '
            'expected a state dict; save it with '
            'torch.save(model.state_dict(), path).'
        )
    nested = [key for key, value in state.items() if _holds_tensor(value)]
    wrong = [
        key
        for key, value in state.items()
        if not (isinstance(key, str) and isinstance(value, torch.Tensor))
    ]
    if wrong:
        (key, *_), remedy = nested or wrong, 'model.state_dict()'
        if nested:
            remedy = f'what {key!r} holds'
        raise ValueError(
            f'The checkpoint {file.name} holds a {type(state[key]).__name__} '
            f'at {key!r}, expected tensors by their names; save {remedy} '
            'alone with torch.save.'
        )
    return state


def _holds_tensor(value: Any) -> bool:
    """Returns whether a value may be a state dict."""
    return isinstance(value, dict) and any(
        isinstance(child, torch.Tensor) for child in value.values()
    )
