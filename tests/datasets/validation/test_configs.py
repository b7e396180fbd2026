"""Building the data sets of a config, and naming those that fail."""

from __future__ import annotations

import pytest
from mmseg.datasets import BaseSegDataset

from mmseg_sesam.datasets.validation.configs import named_datasets


def test_named_datasets_within_wrappers(data) -> None:
    leaf = data.train
    other = dict(leaf, data_prefix=dict(img_path='images/town'))
    other['data_prefix']['seg_map_path'] = 'weak/town'
    data.cfg.train_dataloader.dataset = dict(
        type='RepeatDataset',
        times=3,
        dataset=dict(type='ConcatDataset', datasets=[leaf, other]),
    )
    (data.root / 'weak/town/d.png').unlink()

    found = named_datasets(data.cfg, ('train', 'val', 'test'))
    assert found['train[0]'] == leaf and found['train[1]'] == other
    assert [*found][2:] == ['val, test']

    report = data.validate()
    images = {k: v['images'] for k, v in report.summaries.items()}
    assert images == {'train[0]': 4, 'train[1]': 2, 'val, test': 4}
    files = (f'{data.root}/weak/town/d.png',)
    assert [f.files for f in report.findings] == [files] * 2


@pytest.mark.parametrize(
    'change, text',
    [
        (dict(data_root='gone'), 'gone is not a folder; put the data'),
        (
            dict(data_prefix=dict(img_path='images', seg_map_path='w')),
            'data/w is not a folder',
        ),
        (dict(ann_file='gone.txt'), 'gone.txt is missing; write one name'),
        (dict(img_suffix='.tif'), 'the data set has no images'),
        (dict(type='NoDataset'), 'cannot be built (KeyError:'),
        (
            dict(seg_map_suffix='_mask.png'),
            'correct seg_map_suffix (its folder holds ',
        ),
    ],
)
def test_build_dataset_names_wrong_options(
    data, change: dict, text: str
) -> None:
    data.train.update(change)

    found = data.only()
    assert found.level == 'error' and text in str(found)


@pytest.mark.parametrize('folder', ['weak', 'gone'])
def test_build_dataset_reads_folders_of_the_class(data, folder: str) -> None:
    class OwnFolders(BaseSegDataset):
        def __init__(self, data_root: str = str(data.root), **options) -> None:
            prefix = dict(img_path='images', seg_map_path=folder)
            super().__init__(
                data_root=data_root, data_prefix=prefix, **options
            )

    data.train.type = OwnFolders
    del data.train['data_root'], data.train['data_prefix']

    if folder == 'weak':
        assert not data.validate().findings
    else:
        assert f'{data.root}/gone is not a folder' in str(data.only())


def test_build_dataset_names_what_a_class_of_mmseg_misses(data) -> None:
    data.train.update(type='PascalVOCDataset', ann_file='gone.txt')

    assert f'{data.root}/gone.txt is missing' in str(data.only())


def test_build_dataset_reads_the_list_of_a_lazy_data_set(data) -> None:
    data.train.lazy_init = True

    report = data.validate()
    assert not report.findings
    assert report.summaries['train']['images'] == 4


@pytest.mark.parametrize('option', ['data_root', 'data_prefix'])
def test_build_dataset_data_elsewhere_is_not_checked(
    data, option: str
) -> None:
    folder = 's3://bucket/data'
    prefix = dict(data.train.data_prefix, img_path=folder)
    data.train[option] = prefix if option == 'data_prefix' else folder

    finding = data.only()
    assert finding.level == 'warning'
    said = f'{folder} is not on a local disk and was not checked'
    assert finding.problem == said


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32'])
def test_build_dataset_names_a_byte_order_mark(data, encoding: str) -> None:
    data.list_names('a\nb\n'.encode(encoding))
    text = str(data.only())
    assert f'{data.root}/train.txt begins with the byte order mark' in text
    assert 'save it as UTF-8 without' in text


def test_build_dataset_names_another_encoding(data) -> None:
    data.list_names(b'a\ncaf\xe9\n')
    text = str(data.only())
    assert f'{data.root}/train.txt is no UTF-8 at byte 5; save it' in text


@pytest.mark.parametrize(
    'content',
    ['', '\n', 'a.jpg\n', 'a\n\nb', 'a\0b', b'\xff\xfe\0', 'x' * 5000],
)
def test_build_dataset_broken_list_is_an_error(
    data, content: str | bytes
) -> None:
    data.list_names(content)

    assert data.validate().number('error', 'train') > 0
