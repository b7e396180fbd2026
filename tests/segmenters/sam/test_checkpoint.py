"""load_checkpoint: what it loads, and what it refuses to unpickle."""

import hashlib
import os
import pickle
import urllib.request
from collections import OrderedDict
from functools import partial
from pathlib import Path

import pytest
import torch

from mmseg_sesam.segmenters.sam.checkpoint import SAM_SHA256, load_checkpoint


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def path(tmp_path):
    torch.save(OrderedDict(weight=torch.arange(3.0)), tmp_path / 'sam.pth')
    return tmp_path / 'sam.pth'


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that URLs are downloaded into."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    return tmp_path / 'hub' / 'checkpoints'


@pytest.fixture
def server(path, monkeypatch):
    """Lets URLs answer with the file, and counts the requests."""
    requests = []

    def answer(request):
        requests.append(request.full_url)
        return urllib.request.urlopen(path.as_uri())

    monkeypatch.setattr(torch.hub, 'urlopen', answer)
    return requests


@pytest.mark.parametrize('kind', [str, Path])
def test_load_checkpoint_of_known_sha256(path, kind):
    state, digest = load_checkpoint(kind(path), sha256_of(path).upper())
    assert digest == sha256_of(path)
    assert list(state) == ['weight']
    assert torch.equal(state['weight'], torch.arange(3.0))


def test_sam_sha256_holds_well_formed_checksums():
    digests = list(SAM_SHA256.values())
    assert len(set(digests)) == 3
    assert all(len(bytes.fromhex(digest)) == 32 for digest in digests)


@pytest.mark.parametrize('checkpoint', [None, ''])
def test_load_checkpoint_needs_a_path(checkpoint):
    with pytest.raises(ValueError, match='set checkpoint= to the path'):
        load_checkpoint(checkpoint)


def test_load_checkpoint_names_a_missing_file(tmp_path):
    path = tmp_path / 'sam_vit_b_01ec64.pth'
    with pytest.raises(FileNotFoundError) as error:
        load_checkpoint(str(path))
    assert str(path) in str(error.value)
    assert 'segment_anything/sam_vit_b_01ec64.pth' in str(error.value)


def test_load_checkpoint_rejects_another_sha256(path):
    with pytest.raises(ValueError, match='expected 0000') as error:
        load_checkpoint(str(path), '0' * 64)
    assert sha256_of(path) in str(error.value)


def test_load_checkpoint_of_an_unknown_file_needs_sha256(path):
    with pytest.raises(ValueError, match='if you trust') as error:
        load_checkpoint(str(path))
    assert f"sha256='{sha256_of(path)}'" in str(error.value)


@pytest.mark.parametrize('place', ['folder', 'url'])
def test_load_checkpoint_rejects_a_damaged_official_file(
    path, cache, server, place
):
    name = 'sam_vit_b_01ec64.pth'
    cache.mkdir(parents=True)
    named = path.rename(cache / name)
    checkpoint = (
        str(named) if place == 'folder' else f'https://localhost/{name}'
    )
    with pytest.raises(ValueError, match='download it again') as error:
        load_checkpoint(checkpoint)
    text = str(error.value)
    assert sha256_of(named) in text
    assert f'expected {SAM_SHA256[name]}' in text
    # Nothing advises to trust the file.
    assert 'sha256=' not in text
    assert server == []


@pytest.mark.parametrize(
    'save',
    [torch.save, partial(pickle.dump, protocol=2)],
    ids=['torch', 'pickle'],
)
def test_load_checkpoint_runs_no_code_of_a_pickle(tmp_path, save):
    path, witness = tmp_path / 'evil.pth', tmp_path / 'was_here'
    with path.open('wb') as file:
        save(Malicious(witness), file)
    with pytest.raises(ValueError, match='other than tensors') as error:
        load_checkpoint(str(path), sha256_of(path))
    assert 'weights_only' not in str(error.value)
    assert not witness.exists()


@pytest.mark.parametrize('content', [b'', b'<html>Not found</html>'])
def test_load_checkpoint_rejects_a_file_that_is_no_checkpoint(
    tmp_path, content
):
    path = tmp_path / 'page.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='expected a state dict'):
        load_checkpoint(str(path), sha256_of(path))


def test_load_checkpoint_rejects_a_file_without_state_dict(tmp_path):
    path = tmp_path / 'tensor.pth'
    torch.save(torch.zeros(3), path)
    with pytest.raises(ValueError, match='holds a Tensor'):
        load_checkpoint(str(path), sha256_of(path))


@pytest.mark.parametrize(
    'state, text',
    [
        ({0: torch.zeros(3)}, 'a Tensor at 0, .* save model.state_dict'),
        ({'w': torch.zeros(3), 'step': 3}, "an? int at 'step'"),
        (
            {'meta': {'step': 3}, 'model': {'w': torch.zeros(3)}},
            "a dict at 'model', .* save what 'model' holds alone",
        ),
    ],
)
def test_load_checkpoint_rejects_other_values_than_tensors(
    tmp_path, state, text
):
    path = tmp_path / 'state.pth'
    torch.save(state, path)
    with pytest.raises(ValueError, match=text):
        load_checkpoint(str(path), sha256_of(path))


def test_load_checkpoint_downloads_a_url_once(path, cache, server):
    url = 'https://localhost/weights/sam.pth?download=true'
    for _ in range(2):
        state, digest = load_checkpoint(url, sha256_of(path))
        assert torch.equal(state['weight'], torch.arange(3.0))
        assert digest == sha256_of(path)
    assert server == [url]
    assert [file.name for file in cache.iterdir()] == ['sam.pth']


def test_load_checkpoint_caches_no_wrong_download(cache, server):
    url = 'https://localhost/sam_vit_b_01ec64.pth'
    with pytest.raises(ConnectionError, match='sam_vit_b_01ec64.pth'):
        load_checkpoint(url)
    assert server == [url]
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    'url',
    [
        'http://localhost/sam_vit_b_01ec64.pth',
        'file:///sam_vit_b_01ec64.pth',
        'https://localhost/unknown.pth',
        'https://localhost',
    ],
)
def test_load_checkpoint_rejects_other_urls(cache, server, url):
    with pytest.raises(ValueError, match='expected an https URL'):
        load_checkpoint(url)
    assert server == []


def test_load_checkpoint_verifies_a_file_in_the_cache(path, cache, server):
    cache.mkdir(parents=True)
    (cache / 'sam.pth').write_bytes(b'left by somebody')
    with pytest.raises(ValueError, match='damaged or another file'):
        load_checkpoint('https://localhost/sam.pth', sha256_of(path))
    assert server == []
