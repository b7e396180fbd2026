"""Finds the weights that a config downloads, before a training starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_sesam.type_names import type_name

# Seconds for an answer; libraries try for more than a minute (our choice).
_TIMEOUT = 8
# Options that name weights.
_OPTIONS = ('checkpoint', 'pretrained')
_TIMM = 'timm://'


def refuse_unreachable(cfg: Config) -> None:
    """Raises if a config needs a download and the server does not answer.

    Weights in the caches of torch and of Hugging Face need no download.

    Raises:
        ConnectionError: a server does not answer.
    """
    named = list(_find_addresses(cfg.model, 'model'))
    if '://' in (cfg.get('load_from') or ''):
        named.append(('load_from', cfg.load_from))
    for key, address in named:
        found = _find_hub_file if address.startswith(_TIMM) else _find_url
        url, is_cached = found(address)
        if url and not is_cached and not _answers(url):
            raise ConnectionError(
                f'{key} of {cfg.filename} needs {url}, which is not in the '
                'cache, and its server does not answer: '
                f'{_remedy(key, address)}.'
            )


def drop_downloads(cfg: Config) -> None:
    """Removes downloads from a config whose checkpoint holds all weights."""
    for key, address in list(_find_addresses(cfg.model, 'model')):
        print_log(
            f'{key} is not downloaded, and left out of the config: the '
            'checkpoint holds all weights.',
            logger='current',
        )
        cfg.merge_from_dict({key: _nothing(address)})


def _nothing(address: str) -> bool | None:
    """Returns the value of an option that asks for no weights."""
    return False if address.startswith(_TIMM) else None


def _remedy(key: str, address: str) -> str:
    if key == 'load_from':
        return 'give load_from the path of a file that you have copied'
    cache = os.environ.get('TORCH_HOME') or '~/.cache/torch'
    if address.startswith(_TIMM):
        cache = os.environ.get('HF_HOME') or '~/.cache/huggingface'
    return (
        f'copy the cache {cache} of a machine that has the weights, or start '
        f'from random weights with --cfg-options {key}={_nothing(address)}, '
        'which costs accuracy'
    )


def _find_addresses(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yields dotted keys and addresses of weights."""
    if isinstance(node, (list, tuple)):
        for index, part in enumerate(node):
            # Weights in a list of initialisers replace the other ones.
            is_init = key.endswith('init_cfg')
            place = key if is_init else f'{key}.{index}'
            yield from _find_addresses(part, place)
        return
    if not isinstance(node, dict):
        return
    kind = type_name(node) if 'type' in node else ''
    if kind == 'Pretrained':
        address = node.get('checkpoint')
        if isinstance(address, str) and '://' in address:
            # Without the checkpoint, init_cfg asks for nothing.
            yield key, address
        return
    has_timm = kind == 'TIMMBackbone' and node.get('pretrained') is True
    if has_timm and not node.get('checkpoint_path'):
        yield f'{key}.pretrained', f'{_TIMM}{node["model_name"]}'
    for name, value in node.items():
        if name in _OPTIONS and isinstance(value, str) and '://' in value:
            yield f'{key}.{name}', value
        else:
            yield from _find_addresses(value, f'{key}.{name}')


def _find_url(address: str) -> tuple[str, bool]:
    """Returns the URL of mmengine's name, and whether torch has cached it."""
    from mmengine.runner import checkpoint
    from torch import hub

    scheme, _, name = address.partition('://')
    tables = {
        'torchvision': checkpoint.get_torchvision_models,
        'modelzoo': checkpoint.get_torchvision_models,
        'open-mmlab': checkpoint.get_external_models,
        'openmmlab': checkpoint.get_external_models,
        'mmcls': checkpoint.get_mmcls_models,
    }
    url = tables[scheme]().get(name, '') if scheme in tables else address
    if not url.startswith(('http://', 'https://')):
        return '', False
    file = Path(hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)
    return url, file.is_file()


def _find_hub_file(address: str) -> tuple[str, bool]:
    """Returns the URL of timm's weights, and whether they are cached."""
    import huggingface_hub as hub
    import timm

    pretrained = timm.get_pretrained_cfg(address[len(_TIMM) :])
    if pretrained is None or not pretrained.hf_hub_id:
        return _find_url(getattr(pretrained, 'url', None) or '')
    place, _, revision = pretrained.hf_hub_id.partition('@')
    names = ['model.safetensors', 'pytorch_model.bin']
    # Some models have their own file name.
    own = getattr(pretrained, 'hf_hub_filename', None)
    names = [own, *names] if own else names
    wanted = dict(repo_id=place, revision=revision or None)
    found = [hub.try_to_load_from_cache(filename=n, **wanted) for n in names]
    # An object stands for a file that the hub is known not to have.
    cached = any(isinstance(path, str) for path in found)
    return hub.hf_hub_url(filename=names[0], **wanted), cached


def _answers(url: str) -> bool:
    """Whether a server answers in time, also with an error."""
    answers = []

    def ask() -> None:
        try:
            with urlopen(Request(url, method='HEAD'), timeout=_TIMEOUT):
                answers.append(True)
        except HTTPError:
            answers.append(True)
        except (OSError, HTTPException):
            pass

    # The look-up of a host name has no time-out.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_TIMEOUT)
    return bool(answers)
