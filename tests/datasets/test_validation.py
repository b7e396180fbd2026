"""Checking data sets on real files, sound ones and broken ones."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict
from mmengine.dataset import Compose
from PIL import Image

from mmseg_sesam.datasets.validation import (
    Finding,
    Report,
    check_lists,
    validate_datasets,
)
from mmseg_sesam.io.labels import write_label

HEIGHT, WIDTH = 20, 30
CLASSES = ('road', 'house', 'tree')
PALETTE = [[128, 64, 128], [70, 70, 70], [107, 142, 35]]
NAMES = ['a', 'b', 'town/c', 'town/d']
FILES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def dense_label() -> np.ndarray:
    """Three stripes of ten columns each, one for each class."""
    return np.tile(np.repeat(np.arange(3, dtype=np.uint8), 10), (HEIGHT, 1))


def weak_label() -> np.ndarray:
    """Of each stripe four rows; three fifths of the pixels are unlabelled."""
    label = dense_label()
    label[4:16] = 255
    return label


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four images with weak and dense labels."""
    root = tmp_path / 'data'
    rng = np.random.default_rng(0)
    for name in NAMES:
        for folder in ('images', 'weak', 'dense'):
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(image).save(root / f'images/{name}.jpg')
        write_label(root / f'weak/{name}.png', weak_label(), PALETTE)
        write_label(root / f'dense/{name}.png', dense_label())
    return root


@pytest.fixture
def cfg(root: Path) -> ConfigDict:
    """A config of the weak labels for training, of the dense ones for val."""
    dataset = dict(
        type='BaseSegDataset',
        data_root=str(root),
        metainfo=dict(classes=CLASSES, palette=PALETTE),
    )
    images = dict(type='LoadImageFromFile')
    train = dict(
        dataset,
        data_prefix=dict(img_path='images', seg_map_path='weak'),
        pipeline=[
            images,
            dict(type='LoadWeakAnnotations', num_classes=3),
            dict(
                type='LoadPseudoLabel',
                pseudo_label_dir='unused',
                data_root=str(root),
            ),
        ],
    )
    val = dict(
        dataset,
        data_prefix=dict(img_path='images', seg_map_path='dense'),
        pipeline=[images, dict(type='LoadAnnotations')],
    )
    return ConfigDict(
        model=dict(decode_head=dict(num_classes=3)),
        train_dataloader=dict(dataset=train),
        val_dataloader=dict(dataset=val),
        test_dataloader=dict(dataset=copy.deepcopy(val)),
    )


@pytest.fixture
def train(cfg: ConfigDict) -> ConfigDict:
    """The config of the training data set."""
    return cfg.train_dataloader.dataset


def only(report: Report, split: str = 'train') -> Finding:
    """The one finding of a data set."""
    found = [f for f in report.findings if f.split == split]
    assert len(found) == 1, found
    return found[0]


def save(root: Path, label: np.ndarray, names: list[str] = NAMES) -> None:
    for name in names:
        Image.fromarray(label).save(root / f'weak/{name}.png')


def list_names(root: Path, train: ConfigDict, text: str | bytes) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    (root / 'train.txt').write_bytes(content)
    train.ann_file = 'train.txt'


class TestSound:
    def test_numbers_are_those_counted_by_hand(self, cfg: ConfigDict) -> None:
        report = validate_datasets(cfg, jobs=2)

        assert report.findings == []
        stripe = HEIGHT * WIDTH // 3
        assert report.as_json() == dict(
            errors=0,
            warnings=0,
            findings=[],
            datasets={
                'train': dict(
                    images=4,
                    labels=4,
                    without_label=0,
                    labelled=pytest.approx(2 / 5),
                    pixels=dict.fromkeys(CLASSES, 4 * stripe * 2 // 5),
                ),
                'val, test': dict(
                    images=4,
                    labels=4,
                    without_label=0,
                    labelled=1,
                    pixels=dict.fromkeys(CLASSES, 4 * stripe),
                ),
            },
        )
        rows = [line.split('|')[1:-1] for line in str(report).splitlines()]
        cells = [
            [cell.strip() for cell in row] for row in rows if len(row) > 1
        ]
        assert cells[1:] == [
            ['train', '4', '4', '0', '40.0%', '3 of 3', '0', '0'],
            ['val, test', '4', '4', '0', '100.0%', '3 of 3', '0', '0'],
        ]

    def test_the_cheap_check_is_silent(
        self, cfg: ConfigDict, capsys: pytest.CaptureFixture
    ) -> None:
        check_lists(cfg)

        assert capsys.readouterr() == ('', '')

    def test_data_sets_within_wrappers(self, root: Path, cfg) -> None:
        leaf = cfg.train_dataloader.dataset
        other = dict(leaf, data_prefix=dict(img_path='images/town'))
        other['data_prefix']['seg_map_path'] = 'weak/town'
        cfg.train_dataloader.dataset = dict(
            type='RepeatDataset',
            times=3,
            dataset=dict(type='ConcatDataset', datasets=[leaf, other]),
        )
        (root / 'weak/town/d.png').unlink()

        report = validate_datasets(cfg)

        images = {k: v['images'] for k, v in report.summaries.items()}
        assert images == {'train[0]': 4, 'train[1]': 2, 'val, test': 4}
        for split in ('train[0]', 'train[1]'):
            assert only(report, split).files == (f'{root}/weak/town/d.png',)

    def test_a_test_set_without_labels(self, root: Path, cfg) -> None:
        test = cfg.test_dataloader.dataset
        test.pipeline = test.pipeline[:1]
        test.data_prefix = dict(img_path='images')

        report = validate_datasets(cfg)

        assert report.findings == []
        assert report.summaries['test']['labels'] == 0
        row = str(report).splitlines()[-2].replace(' ', '')
        assert row == '|test|4|0||||0|0|'

    def test_zero_may_be_unlabelled(self, root: Path, train, cfg) -> None:
        label = weak_label() + np.uint8(1)  # 255 becomes 0
        save(root, label)
        train.reduce_zero_label = True

        report = validate_datasets(cfg)

        assert report.findings == []
        assert report.summaries['train']['labelled'] == pytest.approx(2 / 5)

    def test_classes_may_be_chosen(self, root: Path, cfg: ConfigDict) -> None:
        metainfo = dict(classes=('building', 'road'))
        for dataloader in (cfg.train_dataloader, cfg.val_dataloader):
            dataloader.dataset.type = 'CityscapesDataset'
            dataloader.dataset.img_suffix = '.jpg'
            dataloader.dataset.seg_map_suffix = '.png'
            dataloader.dataset.metainfo = metainfo
        cfg.train_dataloader.dataset.pipeline[1].num_classes = 2
        cfg.model.decode_head.num_classes = 2
        cfg.test_dataloader = None
        for name in NAMES:
            write_label(root / f'weak/{name}.png', weak_label())

        report = validate_datasets(cfg)

        assert report.findings == []
        # road is 0 and building 2 in files; the sidewalk, 1, is ignored.
        pixels = report.summaries['train']['pixels']
        assert pixels == dict(building=320, road=320)

    def test_a_folder_may_be_a_link(
        self, root: Path, tmp_path: Path, cfg: ConfigDict
    ) -> None:
        (root / 'images').rename(tmp_path / 'elsewhere')
        (root / 'images').symlink_to(tmp_path / 'elsewhere')

        assert validate_datasets(cfg).findings == []


def truncate(path: Path, share: float = 0.6) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def turn(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(path) as image:
        image.load()
    image.save(path, exif=exif)


def render(path: Path) -> None:
    colours = np.zeros((256, 3), np.uint8)
    colours[:3] = PALETTE
    Image.fromarray(colours[weak_label()]).save(path)


def triple(path: Path) -> None:
    # Of Scribbles4All: 0 is unlabelled, and black as some classes are.
    label = weak_label() + np.uint8(1)
    Image.fromarray(np.stack([label] * 3, axis=-1)).save(path)


def photograph(path: Path) -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(array).save(path)


def deepen(path: Path) -> None:
    Image.fromarray(weak_label().astype(np.uint16)).save(path)


def compress(path: Path) -> None:
    Image.fromarray(weak_label()).save(path, format='JPEG')


def widen(path: Path) -> None:
    Image.fromarray(weak_label().T).save(path)


def sort_palette(path: Path) -> None:
    label = weak_label()
    label[label != 255] = 2 - label[label != 255]
    write_label(path, label, PALETTE[::-1])


BROKEN = {
    'image cut': ('images/b.jpg', truncate, 'error', 'images cannot be deco'),
    'image empty': (
        'images/b.jpg',
        lambda path: path.write_bytes(b''),
        'error',
        'images cannot be decoded whole',
    ),
    'image text': (
        'images/b.jpg',
        lambda path: path.write_text('404: not found'),
        'error',
        'images cannot be decoded whole',
    ),
    'image for Pillow alone': (
        'images/b.jpg',
        lambda path: Image.new('RGB', (WIDTH, HEIGHT)).save(path, 'PCX'),
        'error',
        'images cannot be decoded whole',
    ),
    'label for Ghostscript': (
        'weak/b.png',
        lambda path: Image.new('L', (WIDTH, HEIGHT)).save(path, 'EPS'),
        'error',
        'labels cannot be decoded whole',
    ),
    'mirrored': (
        'images/b.jpg',
        lambda path: turn(path, 2),
        'warning',
        'images are turned while they are loaded',
    ),
    'label cut': ('weak/b.png', truncate, 'error', 'labels cannot be decoded'),
    'rendering': (
        'weak/b.png',
        render,
        'error',
        'annotations.py color-png --colors',
    ),
    'triple': ('weak/b.png', triple, 'error', 'annotations.py scribbles4all`'),
    'photograph': ('weak/b.png', photograph, 'error', 'are colour images'),
    '16 bits': ('weak/b.png', deepen, 'error', 'one channel of 8 bits'),
    'JPEG': ('weak/b.png', compress, 'error', 'which changes ids'),
    'size': (
        'weak/b.png',
        widen,
        'error',
        'weak/b.png: 20 x 30, image 30 x 20)',
    ),
    'palette': (
        'weak/b.png',
        sort_palette,
        'warning',
        'weak/b.png: 0 has the colour of 2); look at one',
    ),
    'unlabelled': (
        'weak/b.png',
        lambda path: write_label(path, np.full((HEIGHT, WIDTH), 255, 'uint8')),
        'warning',
        'labels leave every pixel unlabelled',
    ),
    'image gone': ('images/b.jpg', Path.unlink, 'error', 'images are missing'),
    'label gone': ('weak/b.png', Path.unlink, 'error', 'labels are missing'),
}


@pytest.mark.parametrize(
    'file, damage, level, said', BROKEN.values(), ids=BROKEN
)
def test_broken_files_are_named_with_a_remedy(
    root: Path,
    train: ConfigDict,
    cfg: ConfigDict,
    file: str,
    damage: Callable[[Path], Any],
    level: str,
    said: str,
) -> None:
    list_names(root, train, '\n'.join(NAMES))
    cfg.val_dataloader = cfg.test_dataloader = None
    damage(root / file)

    report = validate_datasets(cfg)

    finding = only(report)
    assert finding.level == level
    assert said in str(finding) and '(1: ' in str(finding)
    assert str(root / file) in finding.files[0]
    assert f'{level}: {finding}' in str(report)
    assert report.as_json()[f'{level}s'] == 1


def test_an_upright_image_is_turned_before_sizes_are_compared(
    root: Path, train: ConfigDict, cfg: ConfigDict
) -> None:
    turn(root / 'images/b.jpg', 6)
    cfg.val_dataloader = cfg.test_dataloader = None

    turned, size = validate_datasets(cfg).findings
    assert 'turned' in turned.problem
    assert f'{root}/weak/b.png: 30 x 20, image 20 x 30' in size.files

    train.pipeline[0].color_type = 'color_ignore_orientation'
    assert validate_datasets(cfg).findings == []


class TestConventions:
    @pytest.fixture
    def said(self, root: Path, train: ConfigDict, cfg: ConfigDict) -> Any:
        """What is said of some label as all labels, with more classes."""

        def judge(label: np.ndarray, num_classes: int = 3) -> Finding:
            save(root, label)
            train.pipeline[1].num_classes = num_classes
            cfg.model.decode_head.num_classes = num_classes
            cfg.val_dataloader = cfg.test_dataloader = None
            more = range(3, num_classes)
            train.metainfo.classes = (*CLASSES, *map(str, more))
            train.metainfo.palette = [*PALETTE, *([9, 9, i] for i in more)]
            report = validate_datasets(cfg)
            absent = 'these classes never appear'
            found = [f for f in report.findings if absent not in f.problem]
            assert len(found) == 1, found
            return found[0]

        return judge

    def test_no_class(self, said) -> None:
        label = weak_label()
        label[0, 0] = 77
        finding = said(label)

        assert finding.level == 'error' and len(finding.files) == 4
        assert 'hold the ids 77, expected ids below 3, or 255' in str(finding)

    def test_the_number_of_classes_for_unlabelled(self, said) -> None:
        label = weak_label()
        label[label == 255] = 21
        finding = said(label, 21)

        assert finding.level == 'error'
        assert '21 seems to mean unlabelled' in finding.remedy
        assert 'index-png --unlabelled 21`' in finding.remedy

    def test_another_value_for_unlabelled(self, said) -> None:
        label = weak_label()
        label[label == 255] = 254
        finding = said(label)

        assert finding.level == 'error' and 'ids 254,' in finding.problem
        assert 'index-png --unlabelled 254`' in finding.remedy

    def test_label_ids_of_cityscapes(self, said) -> None:
        label = weak_label()
        label[0], label[1], label[2] = 33, 26, 7
        finding = said(label, 19)

        assert finding.level == 'error' and 'ids 26, 33' in finding.problem
        assert '_labelTrainIds.png' in finding.remedy

    def test_renderings_turned_grey(self, said) -> None:
        grey = np.array(
            Image.fromarray(np.array([PALETTE], 'uint8')).convert('L')
        )
        label = np.full((HEIGHT, WIDTH), 255, np.uint8)
        label[:, :3] = grey[0]
        finding = said(label)

        assert finding.level == 'error'
        assert "grey levels of the palette's colours" in finding.remedy

    @pytest.mark.parametrize('pseudo_labels', [True, False])
    def test_zero_for_unlabelled(
        self, train, said, pseudo_labels: bool
    ) -> None:
        if not pseudo_labels:
            train.pipeline.pop()
        label = weak_label()
        label[label == 255] = 0
        finding = said(label)

        assert finding.level == 'warning' and finding.files == ()
        assert '0 covers 73% of the pixels and 255 never' in finding.problem
        assert 'reduce_zero_label=True' in finding.remedy

    def test_zero_for_unlabelled_and_ids_from_one(self, said) -> None:
        label = weak_label() + np.uint8(1)
        label[0, 0] = 255
        finding = said(label)

        assert finding.level == 'error' and 'ids 3,' in finding.problem
        assert 'reduce_zero_label=True' in finding.remedy

    def test_dense_labels_are_no_weak_ones(self, said) -> None:
        finding = said(dense_label())

        assert finding.level == 'warning'
        assert '255 never appears' in finding.problem
        assert 'SimulateWeakLabel' in finding.remedy

    def test_dense_labels_that_are_made_weak(
        self, root: Path, train, cfg: ConfigDict
    ) -> None:
        train.data_prefix.seg_map_path = 'dense'
        step = dict(type='SimulateWeakLabel', kind='point', data_root='')
        train.pipeline.insert(2, step)

        assert validate_datasets(cfg).findings == []


class TestClasses:
    def test_those_that_never_appear_are_named(self, root, cfg) -> None:
        label = weak_label()
        label[label == 1] = 255
        save(root, label)

        finding = only(validate_datasets(cfg))
        assert finding.level == 'warning'
        assert 'these classes never appear: 1 house;' in str(finding)

    def test_masks_of_0_and_255(self, root: Path, train, cfg) -> None:
        save(root, np.where(dense_label() == 1, np.uint8(255), np.uint8(0)))
        train.metainfo = dict(classes=('back', 'front'))
        train.pipeline[1].num_classes = cfg.model.decode_head.num_classes = 2
        cfg.val_dataloader = cfg.test_dataloader = None

        finding = only(validate_datasets(cfg))
        assert '1 front (and 255 does, which' in finding.problem
        assert 'write the foreground as 1' in finding.remedy

    def test_no_label_at_all(self, root: Path, cfg: ConfigDict) -> None:
        save(root, np.full((HEIGHT, WIDTH), 255, np.uint8))

        report = validate_datasets(cfg)
        assert 'no label holds any class' in str(report)
        assert report.number('error') == 1
        assert report.summaries['train']['without_label'] == 4

    def test_all_count_alike(self, cfg: ConfigDict) -> None:
        cfg.model.auxiliary_head = [dict(num_classes=19)]

        report = validate_datasets(cfg)
        for split in ('train', 'val, test'):
            said = str(only(report, split))
            assert 'num_classes of auxiliary_head: 19' in said
            assert 'classes of the data set: 3' in said
        assert report.number('error') == 2


class TestLists:
    @pytest.mark.parametrize('outside', ['../out/a', '{out}/a', 'in/../../a'])
    def test_names_that_lead_out(
        self, root: Path, tmp_path: Path, train, cfg, outside: str
    ) -> None:
        out = tmp_path / 'out'
        out.mkdir()
        (root / 'in').mkdir()
        train.data_prefix = dict(img_path='', seg_map_path='')
        list_names(root, train, outside.format(out=out))
        path = os.path.normpath(root / outside.format(out=out))
        Image.effect_noise((WIDTH, HEIGHT), 50).save(f'{path}.jpg')
        write_label(Path(f'{path}.png'), weak_label())
        train.pipeline[2].data_root = str(tmp_path)

        finding = only(validate_datasets(cfg))
        assert finding.level == 'error' and len(finding.files) == 2
        assert 'outside of data_root' in finding.problem
        with pytest.raises(ValueError, match=r"names without '\.\.'"):
            check_lists(cfg)

    def test_a_link_out_is_pointed_out(
        self, root: Path, tmp_path: Path, cfg: ConfigDict
    ) -> None:
        (root / 'weak/b.png').rename(tmp_path / 'b.png')
        (root / 'weak/b.png').symlink_to(tmp_path / 'b.png')
        (root / 'weak/a.png').unlink()
        (root / 'weak/a.png').symlink_to('town/c.png')

        finding = only(validate_datasets(cfg))
        assert finding.level == 'warning'
        assert 'links out of data_root' in finding.problem
        assert finding.files == (f'{root}/weak/b.png',)

    def test_a_link_out_and_back_by_dots(
        self, root: Path, tmp_path: Path, train, cfg: ConfigDict
    ) -> None:
        # As text it stays inside, as a path it does not.
        for folder in ('images', 'weak'):
            (tmp_path / f'far/{folder}/deep').mkdir(parents=True)
            (root / folder / 'link').symlink_to(
                tmp_path / f'far/{folder}/deep'
            )
        for file in ('images/a.jpg', 'weak/a.png'):
            (root / file).rename(tmp_path / 'far' / file)
        list_names(root, train, 'link/../a\n')
        cfg.val_dataloader = cfg.test_dataloader = None

        finding = only(validate_datasets(cfg))
        assert finding.level == 'error' and len(finding.files) == 2
        assert "write names without '..'" in finding.remedy

    @pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32'])
    def test_a_byte_order_mark_is_named(
        self, root: Path, train, cfg: ConfigDict, encoding: str
    ) -> None:
        list_names(root, train, 'a\nb\n'.encode(encoding))
        said = str(only(validate_datasets(cfg)))
        assert f'{root}/train.txt begins with the byte order mark' in said
        assert 'save it as UTF-8 without' in said
        with pytest.raises(ValueError, match='byte order mark'):
            check_lists(cfg)

    def test_a_list_of_another_encoding_is_named(
        self, root: Path, train, cfg: ConfigDict
    ) -> None:
        list_names(root, train, b'a\ncaf\xe9\n')
        said = str(only(validate_datasets(cfg)))
        assert f'{root}/train.txt is no UTF-8 at byte 5; save it' in said

    def test_names_twice(self, root: Path, train, cfg: ConfigDict) -> None:
        list_names(root, train, 'a\nb\na\ntown/c\ntown/d\n')

        finding = only(validate_datasets(cfg))
        assert finding.level == 'warning'
        assert finding.files == (f'{root}/images/a.jpg',)

    def test_two_images_with_one_pseudo_label(
        self, root: Path, train: ConfigDict, cfg: ConfigDict
    ) -> None:
        Image.effect_noise((WIDTH, HEIGHT), 50).save(root / 'images/a.png')
        other = dict(train, img_suffix='.png')
        cfg.train_dataloader.dataset = dict(
            type='ConcatDataset', datasets=[train, other]
        )

        finding = only(validate_datasets(cfg), 'train[1]')
        assert finding.level == 'error'
        images = f'{root}/images/a.jpg and {root}/images/a.png: images/a'
        assert finding.files == (images,)

    def test_images_outside_of_the_pseudo_labels_root(
        self, root: Path, train: ConfigDict, cfg: ConfigDict
    ) -> None:
        train.pipeline[2].data_root = str(root / 'images/town')

        finding = only(validate_datasets(cfg))
        assert 'outside of data_root of LoadPseudoLabel' in finding.problem
        assert len(finding.files) == 2

    @pytest.mark.parametrize(
        'content',
        ['', '\n', 'a.jpg\n', 'a\n\nb', 'a\0b', b'\xff\xfe\0', 'x' * 5000],
    )
    def test_lists_that_are_none(
        self, root: Path, train, cfg: ConfigDict, content: str | bytes
    ) -> None:
        list_names(root, train, content)

        report = validate_datasets(cfg)
        assert report.number('error', 'train') > 0

    @pytest.mark.parametrize(
        'change, said',
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
    def test_what_the_config_gets_wrong(
        self, train: ConfigDict, cfg: ConfigDict, change: dict, said: str
    ) -> None:
        train.update(change)

        found = only(validate_datasets(cfg))
        assert found.level == 'error' and said in str(found)

    def test_data_elsewhere_is_not_checked(self, train, cfg) -> None:
        train.data_root = 's3://bucket/data'

        finding = only(validate_datasets(cfg))
        assert finding.level == 'warning'
        assert 'not on a local disk and was not checked' in finding.problem

    def test_a_config_without_data(self) -> None:
        with pytest.raises(ValueError, match='no data set for any of train'):
            validate_datasets({'model': {}})


class TestLeftOut:
    """What is in the folders and not in the data set."""

    @pytest.mark.parametrize('suffix', ['.JPG', '.png', '.jpeg'])
    def test_images_of_another_suffix(
        self, root: Path, cfg: ConfigDict, suffix: str
    ) -> None:
        for name in ('a', 'town/c'):
            path = root / f'images/{name}.jpg'
            path.rename(path.with_suffix(suffix))
        (root / f'images/unlabelled{suffix}').write_bytes(b'')
        said = str(only(validate_datasets(cfg)))
        assert "do not end in img_suffix='.jpg'; 2 of them have" in said
        assert f'(3: {root}/images/a{suffix}, ' in said
        assert 'rename them, correct img_suffix, or join' in said

    def test_images_are_missed_before_a_training(
        self, root: Path, cfg: ConfigDict, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (root / 'images/a.jpg').rename(root / 'images/a.JPG')
        logged = []
        monkeypatch.setattr(
            'mmseg_sesam.datasets.validation.check.print_log',
            lambda text, **_: logged.append(text),
        )
        check_lists(cfg)
        (said,) = [text for text in logged if text.startswith('train')]
        assert 'images are left out' in said

    def test_names_that_end_alike(self, root: Path, train, cfg) -> None:
        for path in (root / 'images').rglob('*.jpg'):
            path.rename(path.with_name(f'{path.stem}_rgb.jpg'))
        for split in ('train', 'val', 'test'):
            dataset = cfg[f'{split}_dataloader'].dataset
            dataset.img_suffix = '_rgb.jpg'
        assert not validate_datasets(cfg).findings
        path = root / 'images/a_rgb.jpg'
        path.rename(path.with_suffix('.JPG'))
        said = str(only(validate_datasets(cfg)))
        assert '1 of them have labels (1: ' in said and 'a_rgb.JPG' in said

    def test_labels_without_an_image(self, root: Path, cfg) -> None:
        for folder in ('weak', 'dense'):
            path = root / f'{folder}/b.png'
            path.with_name('spare.png').write_bytes(path.read_bytes())
        findings = validate_datasets(cfg).findings
        assert [f.split for f in findings] == ['train', 'val, test']
        assert all('labels belong to no image' in f.problem for f in findings)
        assert findings[0].files == (f'{root}/weak/spare.png',)

    def test_weak_labels_that_no_list_names(
        self, root: Path, train, cfg
    ) -> None:
        list_names(root, train, 'a\nb\ntown/c\n')
        said = str(only(validate_datasets(cfg)))
        assert 'labels belong to no image listed in ann_file (1: ' in said
        assert f'{root}/weak/town/d.png' in said

    def test_dense_labels_may_be_chosen_from(self, root: Path, cfg) -> None:
        for split in ('val', 'test'):
            list_names(root, cfg[f'{split}_dataloader'].dataset, 'a\n')
        assert not validate_datasets(cfg).findings

    def test_a_second_data_set_of_the_other_suffix(
        self, root: Path, train, cfg
    ) -> None:
        path = root / 'images/a.jpg'
        path.rename(path.with_suffix('.JPG'))
        other = dict(copy.deepcopy(train), img_suffix='.JPG')
        cfg.train_dataloader.dataset = dict(
            type='ConcatDataset', datasets=[train, other]
        )
        assert not validate_datasets(cfg).findings

    def test_some_chosen_by_the_config(self, train, cfg: ConfigDict) -> None:
        train.indices = 2
        assert not validate_datasets(cfg).findings


class TestDullImages:
    def write(self, root: Path, image: np.ndarray, cfg: ConfigDict) -> str:
        """Writes an image as PNG; what is said of it."""
        for path in (root / 'images').rglob('*.jpg'):
            Image.open(path).save(path.with_suffix('.png'))
            path.unlink()
        Image.fromarray(image).save(root / 'images/a.png')
        for split in ('train', 'val', 'test'):
            cfg[f'{split}_dataloader'].dataset.img_suffix = '.png'
        return str(only(validate_datasets(cfg)))

    def test_twelve_bits_in_sixteen(self, root: Path, cfg) -> None:
        values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 6
        said = self.write(root, values.astype(np.uint16), cfg)
        assert 'images of 16 bits hold small values' in said
        assert f'(1: {root}/images/a.png); scale them to 8 bits' in said

    def test_nearly_black(self, root: Path, cfg: ConfigDict) -> None:
        values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 16
        said = self.write(root, values.astype(np.uint8), cfg)
        assert f'images are nearly black (1: {root}/images/a.png)' in said

    @pytest.mark.parametrize('value', [0, 255])
    def test_one_colour(self, root: Path, cfg: ConfigDict, value: int) -> None:
        image = np.full((HEIGHT, WIDTH, 3), value, np.uint8)
        said = self.write(root, image, cfg)
        assert f'one colour in all pixels (1: {root}/images/a.png)' in said

    def test_a_pattern_that_a_reduced_jpeg_loses(
        self, root: Path, cfg: ConfigDict
    ) -> None:
        rows, cols = np.mgrid[:64, :64]
        image = Image.fromarray(((rows + cols) % 2 * 200 + 20).astype('uint8'))
        image.save(root / 'images/a.jpg', quality=95)
        write_label(root / 'weak/a.png', np.zeros((64, 64), np.uint8))
        write_label(root / 'dense/a.png', np.zeros((64, 64), np.uint8))
        said = str(validate_datasets(cfg))
        assert 'one colour' not in said and 'black' not in said


class TestCheapCheck:
    def test_what_is_missing_stops_a_run(self, root: Path, cfg) -> None:
        for name in ('a', 'b'):
            (root / f'weak/{name}.png').unlink()

        with pytest.raises(ValueError) as stop:
            check_lists(cfg)
        said = str(stop.value)
        assert said.startswith('train: labels are missing (2: ')
        assert 'tools/validate_dataset.py' in said and '(1 error so' in said

    def test_some_labels_are_opened_and_no_image_decoded(
        self, root: Path, cfg: ConfigDict
    ) -> None:
        path = root / 'images/a.jpg'
        path.write_bytes(path.read_bytes()[:-40])
        check_lists(cfg)
        assert validate_datasets(cfg).number('error') == 2

        render(root / 'weak/a.png')
        with pytest.raises(ValueError, match='RGB renderings'):
            check_lists(cfg)

    def test_suspicions_are_logged(
        self, root: Path, cfg, capsys: pytest.CaptureFixture
    ) -> None:
        label = weak_label()
        label[label == 255] = 0
        save(root, label)

        check_lists(cfg)

        said = capsys.readouterr()
        assert '0 looks like unlabelled' in said.err + said.out
        assert 'WARNING' in said.err + said.out

    def test_the_test_set_is_not_needed(self, cfg: ConfigDict) -> None:
        cfg.test_dataloader.dataset.data_root = 'gone'

        check_lists(cfg)
        assert validate_datasets(cfg).number('error', 'test') == 1


@FILES
@given(
    content=st.binary(max_size=200), cut=st.floats(0, 1), image=st.booleans()
)
def test_any_content_is_told_in_a_sentence(
    root: Path, cfg: ConfigDict, content: bytes, cut: float, image: bool
) -> None:
    path = root / ('images/a.jpg' if image else 'weak/a.png')
    sound = path.read_bytes()
    try:
        # Some of the file, then anything.
        path.write_bytes(sound[: int(cut * len(sound))][:-20] + content)
        report = validate_datasets(cfg)
    finally:
        path.write_bytes(sound)

    for finding in report.findings:
        assert '\n' not in str(finding) and str(finding).endswith('.')
    if cut < 0.5:
        assert report.number('error', 'train') == 1


@FILES
@given(
    ids=st.lists(st.integers(0, 255), min_size=1, max_size=4),
    kind=st.sampled_from(['L', 'P', 'RGB', 'I;16', '1', 'LA']),
    reduce_zero_label=st.booleans(),
    wide=st.booleans(),
)
def test_an_error_is_what_training_would_stop_by(
    root: Path,
    cfg: ConfigDict,
    ids: list[int],
    kind: str,
    reduce_zero_label: bool,
    wide: bool,
) -> None:
    train = cfg.train_dataloader.dataset
    train.reduce_zero_label = reduce_zero_label
    list_names(root, train, 'a')
    label = weak_label()[:, : WIDTH if wide else WIDTH - 1]
    label[: len(ids)] = np.array(ids, np.uint8)[:, None]
    label[10:] = 1
    image = Image.fromarray(label)
    if kind == 'P':
        image.putpalette(sum(PALETTE, []) + [0] * 759)
    elif kind != 'L':
        image = image.convert(kind)
    image.save(root / 'weak/a.png')
    load = Compose(train.pipeline[:2])
    results = dict(
        img_path=str(root / 'images/a.jpg'),
        seg_map_path=str(root / 'weak/a.png'),
        label_map=None,
        reduce_zero_label=reduce_zero_label,
        seg_fields=[],
    )
    try:
        label = load(results)['gt_seg_map']
        stops = not (label != 255).any()
    except ValueError:
        stops = True

    report = validate_datasets(cfg)

    assert bool(report.number('error', 'train')) == stops, report


def test_a_relative_data_root_is_that_of_the_current_folder(
    root: Path, cfg: ConfigDict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    for loader in ('train_dataloader', 'val_dataloader'):
        if loader in cfg:
            cfg[loader].dataset.data_root = root.name
    for step in cfg.train_dataloader.dataset.pipeline:
        if 'data_root' in step:
            step.data_root = root.name
    check_lists(cfg)
    assert not validate_datasets(cfg).findings
