"""Which files load_model takes, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmseg_sesam.segmenters import TransformersSegmenter
from mmseg_sesam.segmenters.transformers_sam.loading import load_model

from .tiny_models import (
    build,
    build_sam3_video,
    make_processor,
    save,
    spread,
    transformers,
)


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A folder of a small SAM that a test may change."""
    return Path(shutil.copytree(folders['sam'], tmp_path / 'sam'))


def set_config(folder: Path, **options: object) -> None:
    path = folder / 'config.json'
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **options)))


def pickle_weights(folder: Path) -> str:
    """Replaces the safetensors by a pickle; returns its sha256."""
    safe, path = folder / 'model.safetensors', folder / 'pytorch_model.bin'
    torch.save(load_file(safe), path)
    safe.unlink()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_load_model_takes_fp32_weights_of_other_dtypes(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    save('sam2', tmp_path, spread(build('sam2')).half())
    model = load_model(str(tmp_path)).model
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    expected = load_model(str(folders['sam2'])).model.state_dict()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-3)


def test_load_model_takes_weights_in_several_files(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    model = spread(build('sam'))
    model.save_pretrained(tmp_path, max_shard_size='100KB')
    make_processor('sam').save_pretrained(tmp_path)
    shards = sorted(tmp_path.glob('model-*.safetensors'))
    assert len(shards) > 1
    content = b''.join(path.read_bytes() for path in shards)
    digest = hashlib.sha256(content).hexdigest()

    loaded = load_model(str(tmp_path), sha256=digest)
    assert loaded.digests['weights'] == digest
    for name, weight in loaded.model.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name])

    shards[0].unlink()
    with pytest.raises(FileNotFoundError, match=shards[0].name):
        load_model(str(tmp_path))


def test_load_model_needs_transformers_before_it_looks_for_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for package in ('transformers', 'huggingface_hub'):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match='needs the package transformers'):
        load_model('owner/name', revision='0' * 40)


@pytest.mark.parametrize('weight_map', [None, {'a': '../other.safetensors'}])
def test_load_model_rejects_an_index_that_leaves_its_folder(
    folder: Path, weight_map: dict | None
) -> None:
    (folder / 'model.safetensors').rename(folder / 'other.safetensors')
    index = folder / 'model.safetensors.index.json'
    index.write_text(json.dumps(dict(weight_map=weight_map)))
    with pytest.raises(ValueError, match='does not name files of its folder'):
        load_model(str(folder))


def test_load_model_takes_the_image_model_of_a_sam_2_video_model(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(folders['sam2'], tmp_path / 'sam2'))
    set_config(folder, model_type='sam2_video')
    state = load_file(folder / 'model.safetensors')
    state['memory_encoder.feature_projection.bias'] = torch.zeros(4)
    save_file(state, folder / 'model.safetensors', dict(format='pt'))
    loaded = load_model(str(folder))
    assert type(loaded.model) is transformers.Sam2Model
    assert loaded.family.model == 'Sam2Model'


def test_load_model_takes_the_image_model_of_a_sam_3_video_model(
    tmp_path: Path,
) -> None:
    video = spread(build_sam3_video())
    video.config.save_pretrained(tmp_path)
    make_processor('sam3').save_pretrained(tmp_path)
    state = video.state_dict()
    save_file(state, tmp_path / 'model.safetensors', dict(format='pt'))

    model = load_model(str(tmp_path)).model
    assert type(model) is transformers.Sam3TrackerModel
    found = model.mask_decoder.state_dict()
    expected = video.tracker_model.mask_decoder.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_load_model_needs_the_sha256_of_a_pickle(folder: Path) -> None:
    expected = load_model(str(folder)).model.state_dict()
    digest = pickle_weights(folder)
    with pytest.raises(ValueError, match='can run code') as error:
        load_model(str(folder))
    assert f"sha256='{digest}'" in str(error.value)

    found = load_model(str(folder), sha256=digest.upper()).model.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_load_model_rejects_another_sha256(folder: Path) -> None:
    for change in (lambda folder: None, pickle_weights):
        change(folder)
        with pytest.raises(ValueError, match='expected 0000'):
            load_model(str(folder), sha256='0' * 64)


@pytest.mark.parametrize(
    'name', ['config.json', 'processor_config.json', 'model.safetensors']
)
def test_load_model_names_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load_model(str(folder))


@pytest.mark.parametrize('content', ['', '[1]', '{"model_type": "bert"}'])
def test_load_model_rejects_the_config_of_another_model(
    folder: Path, content: str
) -> None:
    (folder / 'config.json').write_text(content)
    with pytest.raises(ValueError, match=r'config\.json'):
        load_model(str(folder))


def test_load_model_rejects_weights_that_lack_some(folder: Path) -> None:
    state = load_file(folder / 'model.safetensors')
    del state['mask_decoder.iou_token.weight']
    save_file(state, folder / 'model.safetensors', dict(format='pt'))
    with pytest.raises(ValueError, match='lack 1 of SamModel, such as mask'):
        load_model(str(folder))


def test_load_model_rejects_weights_of_another_size(folder: Path) -> None:
    state = load_file(folder / 'model.safetensors')
    state['mask_decoder.iou_token.weight'] = torch.zeros(1, 8)
    save_file(state, folder / 'model.safetensors', dict(format='pt'))
    with pytest.raises(ValueError, match=r'do not fit config\.json'):
        load_model(str(folder))


def test_load_model_rejects_a_file_that_holds_no_tensors(
    folder: Path,
) -> None:
    (folder / 'model.safetensors').write_bytes(b'<html>Not found</html>')
    with pytest.raises(ValueError, match=r'do not fit config\.json'):
        load_model(str(folder))


def test_load_model_rejects_a_processor_of_another_size(
    folder: Path,
) -> None:
    make_processor('sam', side=64).save_pretrained(folder)
    with pytest.raises(ValueError, match='expected 128'):
        load_model(str(folder))


def test_fingerprint_depends_on_masks_and_not_on_places(
    folders: dict[str, Path], folder: Path
) -> None:
    first = TransformersSegmenter(str(folders['sam'])).fingerprint
    moved = TransformersSegmenter(str(folder), decode_batch=3).fingerprint
    assert moved == first
    assert str(folder) not in json.dumps(moved)
    half = TransformersSegmenter(str(folder), dtype='bf16').fingerprint
    assert half != first
    derived = type('Derived', (TransformersSegmenter,), {})
    assert derived(str(folder)).fingerprint != first
    save('sam', folder, build('sam'))
    assert TransformersSegmenter(str(folder)).fingerprint != first


@pytest.mark.parametrize(
    'options',
    [
        dict(dtype='fp64'),
        dict(decode_batch=0),
        dict(download='yes'),
        dict(revision=5),
        dict(sha256=123),
    ],
    ids=lambda options: next(iter(options)),
)
def test_transformers_segmenter_rejects_unknown_options(
    folder: Path, options: dict
) -> None:
    with pytest.raises(ValueError, match='TransformersSegmenter got'):
        TransformersSegmenter(str(folder), **options)
