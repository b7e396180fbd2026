"""Checks of file names."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import numpy as np
import pytest
from mmseg.datasets import BaseSegDataset
from PIL import Image

from mmseg_sesam.io.labels import write_label


@pytest.mark.parametrize('name', ['../out/a', '{out}/a', 'in/../../a'])
def test_check_outside_names_that_lead_out(
    data, tmp_path: Path, name: str
) -> None:
    out = tmp_path / 'out'
    out.mkdir()
    (data.root / 'in').mkdir()
    data.train.data_prefix = dict(img_path='', seg_map_path='')
    data.list_names(name.format(out=out))
    path = os.path.normpath(data.root / name.format(out=out))
    Image.effect_noise(data.shape[::-1], 50).save(f'{path}.jpg')
    write_label(Path(f'{path}.png'), data.weak_label())

    finding = data.only()
    assert finding.level == 'error' and len(finding.files) == 2
    assert 'outside of data_root' in finding.problem


def test_check_outside_link_out_is_a_warning(data, tmp_path: Path) -> None:
    (data.root / 'weak/b.png').rename(tmp_path / 'b.png')
    (data.root / 'weak/b.png').symlink_to(tmp_path / 'b.png')
    (data.root / 'weak/a.png').unlink()
    (data.root / 'weak/a.png').symlink_to('town/c.png')

    finding = data.only()
    assert finding.level == 'warning'
    assert 'links out of data_root' in finding.problem
    assert finding.files == (f'{data.root}/weak/b.png',)


def test_check_outside_link_out_and_back_by_dots(data, tmp_path: Path) -> None:
    # As text it stays inside, as a path it does not.
    for folder in ('images', 'weak'):
        (tmp_path / f'far/{folder}/deep').mkdir(parents=True)
        link = data.root / folder / 'link'
        link.symlink_to(tmp_path / f'far/{folder}/deep')
    for file in ('images/a.jpg', 'weak/a.png'):
        (data.root / file).rename(tmp_path / 'far' / file)
    data.list_names('link/../a\n')
    data.train_alone()

    finding = data.only()
    assert finding.level == 'error' and len(finding.files) == 2
    assert "write names without '..'" in finding.remedy


class AbsolutePaths(BaseSegDataset):
    """A user's class that finds files by itself."""

    def load_data_list(self) -> list[dict]:
        return [
            dict(
                img_path=str(path),
                seg_map_path=str(path).replace('.jpg', '.png'),
                label_map=None,
                reduce_zero_label=False,
                seg_fields=[],
            )
            for path in map(Path, self.metainfo['paths'])
        ]


def test_check_outside_leaves_paths_of_a_class_without_folders(data) -> None:
    data.train_alone()
    for name in ('a', 'b'):
        (data.root / f'weak/{name}.png').rename(
            data.root / f'images/{name}.png'
        )
    paths = [str(data.root / f'images/{name}.jpg') for name in ('a', 'b')]
    del data.train['data_root'], data.train['data_prefix']
    data.train.type = AbsolutePaths
    data.train.metainfo.paths = paths

    report = data.validate()

    assert report.findings == []
    assert report.summaries['train']['labels'] == 2


def test_check_repeated_names_images(data) -> None:
    data.list_names('a\nb\na\ntown/c\ntown/d\n')

    finding = data.only()
    assert finding.level == 'warning'
    assert finding.files == (f'{data.root}/images/a.jpg',)


def test_check_shared_keys_two_images_with_one_pseudo_label(data) -> None:
    path = data.root / 'images/a.png'
    Image.effect_noise(data.shape[::-1], 50).save(path)
    other = dict(data.train, img_suffix='.png')
    data.cfg.train_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[data.train, other]
    )

    finding = data.only('train[1]')
    assert finding.level == 'error'
    images = f'{data.root}/images/a.jpg and {path}: images/a'
    assert finding.files == (images,)


@pytest.mark.parametrize('suffix', ['.JPG', '.png', '.jpeg'])
def test_check_left_out_images_of_another_suffix(data, suffix: str) -> None:
    for name in ('a', 'town/c'):
        path = data.root / f'images/{name}.jpg'
        path.rename(path.with_suffix(suffix))
    (data.root / f'images/unlabelled{suffix}').write_bytes(b'')
    text = str(data.only())
    assert "do not end in img_suffix='.jpg'; 2 of them have" in text
    assert f'(3: {data.root}/images/a{suffix}, ' in text
    assert 'rename them, correct img_suffix, or join' in text


def test_check_left_out_images_whose_names_end_alike(data) -> None:
    for path in (data.root / 'images').rglob('*.jpg'):
        path.rename(path.with_name(f'{path.stem}_rgb.jpg'))
    for split in ('train', 'val', 'test'):
        data.cfg[f'{split}_dataloader'].dataset.img_suffix = '_rgb.jpg'
    assert not data.validate().findings
    path = data.root / 'images/a_rgb.jpg'
    path.rename(path.with_suffix('.JPG'))
    text = str(data.only())
    assert '1 of them have labels (1: ' in text and 'a_rgb.JPG' in text


def test_check_left_out_images_may_be_in_a_second_data_set(data) -> None:
    path = data.root / 'images/a.jpg'
    path.rename(path.with_suffix('.JPG'))
    other = dict(copy.deepcopy(data.train), img_suffix='.JPG')
    data.cfg.train_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[data.train, other]
    )
    assert not data.validate().findings


def test_check_spare_labels_without_an_image(data) -> None:
    for folder in ('weak', 'dense'):
        path = data.root / f'{folder}/b.png'
        path.with_name('spare.png').write_bytes(path.read_bytes())
    findings = data.validate().findings
    assert [f.split for f in findings] == ['train', 'val, test']
    assert all('labels belong to no image' in f.problem for f in findings)
    assert findings[0].files == (f'{data.root}/weak/spare.png',)


def test_check_spare_labels_that_no_list_names(data) -> None:
    data.list_names('a\nb\ntown/c\n')
    text = str(data.only())
    assert 'labels belong to no image listed in ann_file (1: ' in text
    assert f'{data.root}/weak/town/d.png' in text


def test_check_spare_labels_may_be_chosen_from(data) -> None:
    (data.root / 'val.txt').write_text('a\n')
    for split in ('val', 'test'):
        data.cfg[f'{split}_dataloader'].dataset.ann_file = 'val.txt'
    data.train.indices = 2
    assert not data.validate().findings


def test_check_missing_label_of_a_photo(data) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*data.shape, 3), dtype=np.uint8)
    Image.fromarray(image).save(data.root / 'images/e.jpg')
    finding = data.only()
    assert finding.problem == 'labels are missing'
    assert finding.files == (f'{data.root}/weak/e.png',)
