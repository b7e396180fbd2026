"""Facts about training images, and the shares of ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_peak import with_peak
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from PIL import Image
from torch.utils.data import get_worker_info

from mmseg_sesam.rounds.training_images import TrainingImages, share_out


@settings(max_examples=60)
@given(st.lists(st.integers(1, 500), max_size=60), st.integers(1, 9))
def test_share_out_gives_shares_of_similar_cost(costs, number):
    shares = share_out(costs, number)
    assert len(shares) == number
    assert sorted(sum(shares, [])) == list(range(len(costs)))
    assert all(share == sorted(share) for share in shares)
    totals = [sum(costs[i] for i in share) for share in shares]
    # A greedy share exceeds another by one piece of work at the most.
    assert max(totals) - min(totals) <= max(costs, default=0)


@pytest.fixture
def look(make_config: Callable[..., Config], scribbles: Path) -> Callable:
    dataset = make_config().train_dataloader.dataset
    return lambda: TrainingImages(dataset, 0)


def test_facts_change_with_the_image(
    look: Callable[[], TrainingImages], scribbles: Path
) -> None:
    before = look().facts
    assert [fact.key for fact in before] == [
        f'images/deep/{index}' for index in range(3)
    ]
    assert {fact.pixels for fact in before} == {40 * 48}
    # As many bytes as before, one of them another.
    path = scribbles / 'images/deep/1.png'
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    after = look().facts
    assert [a == b for a, b in zip(before, after)] == [True, False, True]
    # A longer file, of which the same part is read.
    path.write_bytes(content.ljust(2**16, b'\0'))
    padded = look().facts
    path.write_bytes(content.ljust(2**16 + 1, b'\0'))
    assert look().facts[1] != padded[1]


def test_components_of_several_ranks_are_counted_in_little_memory(
    look: Callable[[], TrainingImages],
    scribbles: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert {fact.components for fact in look().facts} == {0}
    monkeypatch.setattr('mmengine.dist.get_world_size', lambda: 2)
    assert {fact.components for fact in look().facts} == {3}

    label = np.full((1000, 1000), 255, np.uint8)
    label[:300], label[500::50, ::50] = 0, 1
    Image.fromarray(label).save(scribbles / 'weak/deep/1.png')
    components, peak = with_peak(lambda: look().facts[1].components)
    assert components == 1 + 10 * 20
    assert peak / label.size < 10


class NoteWorker(BaseTransform):
    """Notes whether a worker process loads an image."""

    def transform(self, results: dict) -> dict:
        results['by_worker'] = get_worker_info() is not None
        return results


def test_load_has_workers_for_small_images_beside_large_ones(
    make_config: Callable[..., Config],
) -> None:
    dataset = make_config().train_dataloader.dataset
    images = TrainingImages(dataset, num_workers=1)
    steps = images.dataset.pipeline.transforms
    steps[-1].meta_keys = ('img_path', 'by_worker')
    steps.insert(-1, NoteWorker())
    images.facts[1] = images.facts[1]._replace(size=(10**4, 10**4))

    batches = list(images.load([2, 1, 0]))

    samples = [sample for b in batches for sample in b['data_samples']]
    names = [Path(sample.img_path).stem for sample in samples]
    assert names == ['2', '1', '0']
    assert [sample.by_worker for sample in samples] == [True, False, True]


def test_loading_names_a_label_that_is_too_large(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_config().train_dataloader.dataset
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 50)
    with pytest.raises(ValueError, match='is larger than Pillow opens'):
        list(TrainingImages(dataset, 0).load([0]))


@pytest.mark.parametrize('empty', [False, True])
def test_training_images_name_a_missing_or_empty_image(
    make_config: Callable[..., Config], scribbles: Path, empty: bool
) -> None:
    (scribbles / 'list.txt').write_text('deep/0\ndeep/1\n')
    image = scribbles / 'images/deep/1.png'
    image.unlink()
    if empty:
        image.touch()
    dataset = make_config().train_dataloader.dataset
    dataset.ann_file = 'list.txt'
    with pytest.raises(FileNotFoundError, match=r'deep/1\.png is missing'):
        TrainingImages(dataset, 0)


def test_training_images_reject_a_list_that_leads_outside(
    make_config: Callable[..., Config], scribbles: Path, tmp_path: Path
) -> None:
    for kind in ('images', 'weak'):
        (tmp_path / kind).mkdir()
        content = (scribbles / kind / 'deep/0.png').read_bytes()
        (tmp_path / kind / 'secret.png').write_bytes(content)
    dataset = make_config().train_dataloader.dataset
    dataset.data_prefix = dict(img_path='images', seg_map_path='weak')
    dataset.ann_file = 'list.txt'
    for line in ('../../images/secret', str(tmp_path / 'images/secret')):
        (scribbles / 'list.txt').write_text(f'deep/0\n{line}\n')
        label = scribbles / 'weak/../../images/secret.png'
        assert label.resolve().is_file()
        with pytest.raises(ValueError, match='secret.png lies outside of'):
            TrainingImages(dataset, 0)


def test_training_images_reject_two_images_with_one_key(
    make_config: Callable[..., Config], scribbles: Path
) -> None:
    jpg = scribbles / 'images/deep/0.jpg'
    Image.open(jpg.with_suffix('.png')).save(jpg)
    first = make_config().train_dataloader.dataset
    second = make_config().train_dataloader.dataset
    second.img_suffix = '.jpg'
    config = dict(type='ConcatDataset', datasets=[first, second])
    with pytest.raises(ValueError, match='0.png and .*0.jpg differ in'):
        TrainingImages(config, 0)
