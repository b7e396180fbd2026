"""Models on the hub: a server on this machine takes its place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mmseg_sesam.segmenters.transformers_sam.loading import load_model

from . import tiny_models  # noqa: F401  (skips without transformers)

constants = pytest.importorskip('huggingface_hub').constants

NAME, COMMIT = 'somebody/tiny-sam', 'a' * 40


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does, with the files of a folder."""

    folder: Path
    # Status and error code of all answers, if they are errors.
    error: tuple[int, str] | None
    # Whether it closes connections in place of describing a file.
    cuts: bool
    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.cuts and self.command == 'HEAD':
            self.close_connection = True
        elif self.error:
            status, code = self.error
            self._answer(status, b'', {'X-Error-Code': code})
        elif self.path.startswith(f'/api/models/{NAME}/tree/{COMMIT}'):
            files = [
                dict(type='file', path=path.name, **self._describe(path))
                for path in self.folder.iterdir()
            ]
            self._answer(200, json.dumps(files).encode(), {})
        else:
            path = self.folder / self.path.rpartition('/')[2]
            headers = {
                'ETag': f'"{self._describe(path)["oid"]}"',
                'X-Repo-Commit': COMMIT,
            }
            self._answer(200, path.read_bytes(), headers)

    do_HEAD = do_GET

    def log_message(self, *args: Any) -> None:
        pass

    def _describe(self, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        digest = hashlib.sha1(content).hexdigest()
        return dict(size=len(content), oid=digest)

    def _answer(self, status: int, content: bytes, headers: dict) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        if self.command == 'GET':
            self.wfile.write(content)


@pytest.fixture
def hub(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Hub]]:
    """A hub with a small SAM, and an empty cache."""
    folder = Path(shutil.copytree(folders['sam'], tmp_path / 'hub'))
    handler = type(
        'Handler',
        (Hub,),
        dict(folder=folder, error=None, cuts=False, requests=[]),
    )
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_port}'
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    template = template.replace(constants.ENDPOINT, address)
    monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
    monkeypatch.setattr(constants, 'ENDPOINT', address)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    yield handler
    server.shutdown()
    server.server_close()


def test_load_model_downloads_a_model_once(
    hub: type[Hub], folders: dict[str, Path]
) -> None:
    with pytest.raises(FileNotFoundError, match='download=True'):
        load_model(NAME, revision=COMMIT)
    assert not hub.requests

    first = load_model(NAME, revision=COMMIT, download=True)
    assert first.digests == load_model(str(folders['sam'])).digests
    hub.requests.clear()
    assert load_model(NAME, revision=COMMIT).digests == first.digests
    assert not hub.requests


def test_load_model_downloads_no_pickle_without_sha256(
    hub: type[Hub],
) -> None:
    (hub.folder / 'model.safetensors').rename(hub.folder / 'pytorch_model.bin')
    with pytest.raises(FileNotFoundError, match=r'model\.safetensors'):
        load_model(NAME, revision=COMMIT, download=True)
    assert not any('.bin' in request for request in hub.requests)
    with pytest.raises(ValueError, match='expected 0000'):
        load_model(NAME, COMMIT, '0' * 64, download=True)
    assert any('.bin' in request for request in hub.requests)


@pytest.mark.parametrize(
    ('status', 'code', 'error', 'message'),
    [
        (403, 'GatedRepo', PermissionError, 'hf auth login'),
        (404, 'RevisionNotFound', FileNotFoundError, 'no model somebody'),
        (401, 'RepoNotFound', FileNotFoundError, 'no model somebody'),
        (400, '', ConnectionError, 'could not be downloaded'),
    ],
)
def test_load_model_says_why_the_hub_gives_no_model(
    hub: type[Hub],
    status: int,
    code: str,
    error: type[Exception],
    message: str,
) -> None:
    hub.error = status, code
    with pytest.raises(error, match=message):
        load_model(NAME, revision=COMMIT, download=True)


def test_load_model_says_that_the_connection_was_cut(hub: type[Hub]) -> None:
    hub.cuts = True
    with pytest.raises(
        ConnectionError, match='could not be downloaded'
    ) as raised:
        load_model(NAME, revision=COMMIT, download=True)
    # The HTTP client has errors of its own.
    assert not isinstance(raised.value.__cause__, OSError)


@pytest.mark.parametrize('name', [NAME, 'checkpoints/sam', './sam', 'sam'])
def test_load_model_needs_a_folder_or_a_commit(name: str) -> None:
    with pytest.raises(FileNotFoundError, match='revision= and the 40 hex'):
        load_model(name, download=True)


@pytest.mark.parametrize('revision', ['main', 'v1.0', 'abc1234'])
def test_load_model_rejects_a_revision_that_may_move(revision: str) -> None:
    with pytest.raises(ValueError, match='a branch or tag may move'):
        load_model(NAME, revision=revision)


@pytest.mark.parametrize('options', [dict(revision=COMMIT), dict(download=1)])
def test_load_model_rejects_options_of_the_hub_for_a_folder(
    folders: dict[str, Path], options: dict
) -> None:
    with pytest.raises(ValueError, match='remove both options'):
        load_model(str(folders['sam']), **options)
