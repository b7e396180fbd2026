"""Damaged and hostile files give a clear error or a right result."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import HistoryBuffer
from PIL import Image

from mmseg_sesam.cli.launch import check_checkpoint
from mmseg_sesam.datasets import LoadPseudoLabel, LoadWeakAnnotations
from mmseg_sesam.segmenters.embedding_cache import DiskCache
from mmseg_sesam.segmenters.sam.checkpoint import load_checkpoint
from mmseg_sesam.store.store import LABELS, PseudoLabelStore

SHAPE = (24, 32)
# Clear errors; an AssertionError is mmcv's on an image.
CLEAR = (ValueError, FileNotFoundError, AssertionError)


def mutate(rng: random.Random, content: bytes) -> bytes:
    """Damages a file in one to three places."""
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(damaged) + 1)
        size = rng.choice([1, 2, 4, 16, 200])
        kind = rng.randrange(6)
        if kind == 0 and place < len(damaged):
            damaged[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del damaged[place:]
        elif kind == 2:
            del damaged[place : place + size]
        elif kind == 3:
            damaged[place:place] = rng.randbytes(size)
        elif kind == 4:
            damaged[place : place + size] = bytes([rng.choice([0, 255])]) * 4
        else:
            other = rng.randrange(len(damaged) + 1)
            damaged[place : place + size] = damaged[other : other + size]
    # Empty images are refused before they are read, see TrainingImages.
    return bytes(damaged) or b'\0'


class Zoo:
    """A file of every kind that is read, and its reader."""

    def __init__(self, root: Path) -> None:
        self.root = root
        rng = np.random.default_rng(0)
        self.label = rng.integers(0, 3, SHAPE).astype(np.uint8)
        self.image = rng.integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
        self.store = PseudoLabelStore(root / 'store')
        self.store.begin(0, dict(a=1))
        self.store.stage(0, 'a', {LABELS: self.label}, [], [1])
        self.store.commit(0, dict(identity=dict(settings={})))
        self.store.begin(1, dict(a=1))
        self.store.stage(1, 'a', {LABELS: self.label}, [], [1])
        for name in ('label.png', 'label.gif'):
            Image.fromarray(self.label).save(root / name)
        for name in ('image.jpg', 'image.png'):
            Image.fromarray(self.image).save(root / name)
        self.weights = dict(weight=torch.arange(99.0))
        torch.save(self.weights, root / 'weights.pth')
        history = HistoryBuffer([1.0], [1])
        torch.save(
            dict(
                meta=dict(iter=3, epoch=0),
                state_dict=self.weights,
                message_hub=dict(log_scalars={'loss': history}),
            ),
            root / 'iter_3.pth',
        )
        self.cache = DiskCache(root / 'cache', 1e9)
        self.cache.put('aa', self.weights)
        folder, staging = self.store.folder(0), self.store.staging(1)
        self.readers: list[tuple[Path, Callable[[Path], Any]]] = [
            (root / 'label.png', self.read_label),
            (root / 'label.gif', self.read_label),
            (root / 'image.jpg', self.read_image),
            (root / 'image.png', self.read_image),
            (folder / 'labels/a.png', self.read_pseudo_label),
            (folder / 'manifest.json', self.read_round),
            (folder / 'files.json', self.read_round),
            (self.store.root / 'CURRENT', self.read_current),
            (folder / 'records/a.json', self.read_record),
            (staging / 'records/a.json', self.read_staged),
            (staging.with_suffix('.json'), self.read_staged),
            (root / 'weights.pth', self.read_weights),
            (root / 'iter_3.pth', lambda path: check_checkpoint(str(path))),
            (self.cache._path('aa'), self.read_cache),
        ]

    def read_label(self, path: Path) -> None:
        transform = LoadWeakAnnotations(num_classes=3)
        results = dict(
            img=self.image,
            seg_map_path=str(path),
            seg_fields=[],
            reduce_zero_label=False,
        )
        label = transform(results)['gt_seg_map']
        assert label.shape == SHAPE and label.dtype == np.uint8
        assert set(np.unique(label)) <= {0, 1, 2, 255}

    def read_image(self, path: Path) -> None:
        image = LoadImageFromFile()(dict(img_path=str(path)))['img']
        assert image.ndim == 3 and image.dtype == np.uint8

    def read_pseudo_label(self, path: Path) -> None:
        transform = LoadPseudoLabel()
        transform.store, transform.data_root = self.store, str(self.root)
        results = dict(
            img=self.image, img_path=str(self.root / 'a.jpg'), seg_fields=[]
        )
        label = transform(results)['pseudo_seg_map']
        assert label.shape == SHAPE and label.dtype == np.uint8

    def read_round(self, path: Path) -> None:
        self.store.manifest(0)
        self.store.rounds()
        # Whatever was damaged is seen.
        wrong = self.store.damaged(0)
        assert wrong or json.loads(path.read_bytes())

    def read_current(self, path: Path) -> None:
        current = self.store.current
        assert current is None or current >= 0

    def read_record(self, path: Path) -> None:
        record = self.store.record('a', 0)
        assert record is None or record['shape'] == list(SHAPE)

    def read_staged(self, path: Path) -> None:
        before = self.store.staged(1)
        self.store.begin(1, dict(a=1))
        staged = self.store.staged(1)
        assert set(staged) <= set(before) <= {'a'}
        assert not staged or staged['a'] == [1]

    def read_weights(self, path: Path) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        state, _ = load_checkpoint(str(path), digest)
        assert isinstance(state, dict)

    def read_cache(self, path: Path) -> None:
        tensors = self.cache.get('aa')
        assert tensors is None or torch.equal(
            tensors['weight'], self.weights['weight']
        )


@pytest.mark.parametrize(
    'number', [280, pytest.param(4200, marks=pytest.mark.faults)]
)
def test_readers_of_damaged_files_raise_or_are_right(
    tmp_path: Path, number: int
) -> None:
    zoo, rng, outcomes = Zoo(tmp_path), random.Random(number), Counter()
    for index in range(number):
        path, read = zoo.readers[index % len(zoo.readers)]
        # Reading a journal tidies it: all are put back each time.
        whole = {
            p: p.read_bytes() for p in tmp_path.rglob('*.*') if p.is_file()
        }
        whole[path] = path.read_bytes()
        damaged = mutate(rng, whole[path])
        path.write_bytes(damaged)
        try:
            read(path)
            outcomes[path.name, 'result'] += 1
        except CLEAR as error:
            outcomes[path.name, 'error'] += 1
            # It tells which file, but for CURRENT's, of whose folder.
            assert path.name in str(error) or path.parent.name in str(error)
            assert len(str(error)) < 1000
        for other, content in whole.items():
            other.parent.mkdir(parents=True, exist_ok=True)
            if not other.exists() or other.read_bytes() != content:
                other.write_bytes(content)
    print(f'{outcomes.total()} damaged files: {dict(outcomes)}')
    assert outcomes.total() == number


class Crafted:
    """Pickles as a call."""

    def __init__(self, function: Callable, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize('route', ['directly', 'getattr', 'nested'])
def test_check_checkpoint_rejects_code(tmp_path: Path, route: str) -> None:
    witness = str(tmp_path / 'was_here')
    attack = dict(
        directly=Crafted(os.mkdir, witness),
        getattr=Crafted(getattr, HistoryBuffer, '__init__'),
        nested=Crafted(
            getattr, Crafted(getattr, HistoryBuffer, 'mean'), '__globals__'
        ),
    )[route]
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(meta=dict(iter=1), state_dict={}, hub=attack), path)
    with pytest.raises(ValueError, match='iter_1.pth is refused: it asks to'):
        check_checkpoint(str(path))
    assert not Path(witness).exists()


def test_check_checkpoint_rejects_weights_alone(tmp_path: Path) -> None:
    torch.save(dict(weight=torch.zeros(1)), tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match='holds no state of a training'):
        check_checkpoint(str(tmp_path / 'weights.pth'))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def replace_somewhere(value: Any, other: Any, path: list[int]) -> Any:
    """Puts another value at a place in a JSON value; [] is the whole."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return other
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[path[0] % len(keys)]
    copied = value.copy()
    copied[key] = replace_somewhere(value[key], other, path[1:])
    return copied


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(other=JSON, places=st.lists(st.integers(0, 9), max_size=4))
@pytest.mark.parametrize(
    'name', ['manifest.json', 'files.json', 'a.json', 'round_0001.json']
)
def test_readers_of_changed_values_raise_or_are_right(
    tmp_path: Path, name: str, other: Any, places: list[int]
) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    zoo = Zoo(tmp_path)
    path, read = next(r for r in zoo.readers if r[0].name == name)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(replace_somewhere(record, other, places)))
    try:
        read(path)
    except CLEAR as error:
        assert path.name in str(error) or path.parent.name in str(error)
