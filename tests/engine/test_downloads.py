"""Weights that a config downloads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_sesam.engine.downloads import drop_downloads, refuse_unreachable

# RFC 2606: no server has such a name.
NOWHERE = 'https://weights.invalid/resnet.pth'


def make_config(**backbone) -> Config:
    return Config(dict(model=dict(backbone=dict(**backbone))))


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that nothing serves: no name is looked up.
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setattr(
        'huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path / 'hub')
    )


@pytest.mark.parametrize(
    ('cfg', 'key'),
    [
        (
            make_config(init_cfg=dict(type='Pretrained', checkpoint=NOWHERE)),
            'model.backbone.init_cfg',
        ),
        (Config(dict(model=dict(pretrained=NOWHERE))), 'model.pretrained'),
        (
            Config(dict(model=dict(decode_head=[dict(pretrained=NOWHERE)]))),
            'model.decode_head.0.pretrained',
        ),
    ],
)
def test_refuse_unreachable_weights_without_a_server(
    cfg: Config, key: str
) -> None:
    with pytest.raises(ConnectionError) as refused:
        refuse_unreachable(cfg)
    text = str(refused.value)
    assert f'{key} of ' in text and f'{key}=None' in text
    cfg.merge_from_dict({key: None})
    refuse_unreachable(cfg)


def test_refuse_unreachable_load_from_without_a_server() -> None:
    cfg = Config(dict(model=dict(), load_from=NOWHERE))
    with pytest.raises(ConnectionError, match='load_from of .* the path of a'):
        refuse_unreachable(cfg)


@pytest.mark.parametrize(
    'address', ['open-mmlab://resnet50_v1c', 'torchvision://resnet18']
)
def test_refuse_unreachable_names_of_mmengine(address: str) -> None:
    with pytest.raises(ConnectionError, match=r'needs https://.*\.pth'):
        refuse_unreachable(Config(dict(model=dict(pretrained=address))))


def test_refuse_unreachable_weights_of_timm() -> None:
    cfg = make_config(
        type='TIMMBackbone', model_name='resnet18', pretrained=True
    )
    with pytest.raises(ConnectionError, match='backbone.pretrained=False'):
        refuse_unreachable(cfg)
    cfg.model.backbone.pretrained = False
    refuse_unreachable(cfg)


def test_refuse_unreachable_accepts_cached_weights(tmp_path: Path) -> None:
    file = tmp_path / 'torch/hub/checkpoints/resnet.pth'
    file.parent.mkdir(parents=True)
    file.write_bytes(b'')
    refuse_unreachable(Config(dict(model=dict(pretrained=NOWHERE))))


@pytest.fixture
def server() -> Iterator[str]:
    """A server that refuses every request, but answers."""
    server = HTTPServer(('127.0.0.1', 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()
    server.server_close()


def test_refuse_unreachable_accepts_any_answer(server: str) -> None:
    address = f'{server}/weights.pth'
    refuse_unreachable(Config(dict(model=dict(pretrained=address))))


def test_drop_downloads_removes_weights() -> None:
    cfg = make_config(
        type='TIMMBackbone', model_name='resnet18', pretrained=True
    )
    cfg.model.neck = dict(init_cfg=dict(type='Pretrained', checkpoint=NOWHERE))
    cfg.model.decode_head = dict(init_cfg=[cfg.model.neck.init_cfg])
    cfg.model.pretrained = NOWHERE
    drop_downloads(cfg)
    assert cfg.model.backbone.pretrained is False
    assert cfg.model.neck.init_cfg is None
    assert cfg.model.decode_head.init_cfg is None
    assert cfg.model.pretrained is None
