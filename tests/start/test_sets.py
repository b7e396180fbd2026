"""Sets of images and labels that tools/start.py prepares."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import outlines, strokes, write_photo
from mmengine.config import Config
from PIL import Image
from start_plans import plan

from mmseg_sesam.annotations import convert
from mmseg_sesam.annotations.readers.labelme import LabelmeReader
from mmseg_sesam.datasets.validation import validate_datasets
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.start import start
from mmseg_sesam.start.show import plan_text
from mmseg_sesam.start.start import Request

TRIANGLE = [9, 9, 50, 9, 50, 60]


@pytest.mark.parametrize('option', ['annotations', 'val', 'corrected'])
def test_prepare_misses_a_path_before_it_converts(
    request_of_photos: Request, option: str
) -> None:
    nowhere = Path('nowhere')
    value = (nowhere,) if option == 'corrected' else nowhere

    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        plan(request_of_photos, **{option: value})

    assert not Path('out').exists()


def test_prepare_counts_images_without_a_shape_as_unlabelled(
    request_of_photos: Request,
) -> None:
    size = dict(width=96, height=72)
    content = dict(
        images=[dict(size, id=i, file_name=f'{i:02}.jpg') for i in range(13)],
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
        annotations=[
            dict(image_id=i, category_id=i % 2 + 1, segmentation=[TRIANGLE])
            for i in range(1, 5)
        ],
    )
    Path('instances.json').write_text(json.dumps(content))

    sets = plan(request_of_photos, annotations=Path('instances.json')).sets

    assert sets.train.labelled == ['01', '02', '03', '04']
    assert len(sets.train.unlabelled) == 9
    assert sets.val is None
    assert not (sets.train.labels / '05.png').exists()


def test_prepare_takes_no_label_images_for_photos(
    request_of_photos: Request,
) -> None:
    for path in Path('photos').glob('*.jpg'):
        Image.open(path).save(path.with_suffix('.png'))
        path.unlink()
    classes = ('background', 'cat', 'dog')
    convert(LabelmeReader(Path('photos'), classes=classes), Path('drawn'))
    shutil.move('drawn', 'photos/drawn')
    changes = dict(annotations=Path('photos/drawn'), out=Path('photos/out'))

    for _ in range(2):
        sets = plan(request_of_photos, **changes).sets
        assert {*sets.names} < {f'{i:02}' for i in range(13)}


@pytest.mark.parametrize('summary', ['{"images": 1}', '{}\n{}'])
def test_prepare_asks_for_classes_that_a_summary_lacks(
    request_of_photos: Request,
    summary: str,
) -> None:
    Path('drawn').mkdir()
    Image.new('L', (96, 72)).save('drawn/01.png')
    Path('drawn/summary.json').write_text(summary)

    with pytest.raises(ValueError, match='--classes'):
        plan(request_of_photos, annotations=Path('drawn'))


def test_prepare_leaves_out_unlabelled_shapes(
    request_of_photos: Request,
) -> None:
    write_photo(Path('val/20.jpg'), np.random.default_rng(1), outlines)
    path = Path('photos/01.json')
    path.write_text(path.read_text().replace('"dog"', '"blur"'))
    options = dict(classes=('background', 'cat', 'dog'), val=Path('val'))

    with pytest.raises(ValueError, match='to --unlabelled'):
        plan(request_of_photos, **options)
    # The validation has no such shape.
    start = plan(request_of_photos, unlabelled=('blur',), **options)

    label = read_label(start.sets.train.labels / '01.png')
    assert set(np.unique(label)) == {0, 1, 255}
    assert '--unlabelled __ignore__ blur' in start.commands[0]


def test_prepare_renews_its_own_config(request_of_photos: Request) -> None:
    config = plan(request_of_photos).config
    text = config.read_text()
    write_photo(Path('photos/13.jpg'), np.random.default_rng(1), strokes)

    sets = plan(request_of_photos).sets

    assert '13' in sets.train.labelled
    assert config.read_text() != text


@pytest.mark.parametrize('calls', [1, 2, 3, 4, 5])
def test_prepare_continues_after_an_interruption(
    calls: int, request_of_photos: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted before each of the files in turn."""
    write = start.replace_file
    left = iter(range(calls - 1))

    def write_some(*args: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*args)

    plan(request_of_photos)
    write_photo(Path('photos/13.jpg'), np.random.default_rng(1), strokes)
    with monkeypatch.context() as patch:
        patch.setattr(start, 'replace_file', write_some)
        with pytest.raises(KeyboardInterrupt):
            plan(request_of_photos)

    assert '13' in plan(request_of_photos).sets.train.labelled


def test_prepare_keeps_a_changed_config(request_of_photos: Request) -> None:
    config = plan(request_of_photos).config
    text = config.read_text() + '# mine\n'
    config.write_text(text)
    write_photo(Path('photos/13.jpg'), np.random.default_rng(1), strokes)

    with pytest.raises(FileExistsError, match='move it away'):
        plan(request_of_photos)

    assert config.read_text() == text
    assert not Path('out/labels/13.png').exists()


def test_prepare_keeps_a_list_that_a_user_wrote(
    request_of_photos: Request,
) -> None:
    plan(request_of_photos)
    unlabelled = Path('photos/12.jpg')
    unlabelled.rename('photos/13.jpg')
    plan(request_of_photos)
    train = Path('out/train.txt')
    assert train.read_text().endswith('11\n13\n')
    train.write_text('01\n02\n')

    with pytest.raises(
        FileExistsError, match='train.txt exists and is not as'
    ):
        plan(request_of_photos)

    assert train.read_text() == '01\n02\n'


def test_prepare_quotes_paths_in_commands(request_of_photos: Request) -> None:
    start = plan(request_of_photos, out=Path('my pets'))

    words = [shlex.split(command)[-1] for command in start.commands[1:]]
    config = 'my pets/my pets.py'
    assert words == [config, config, 'my pets/run']


def test_prepare_holds_back_a_proxy_of_ten_images(
    request_of_photos: Request,
) -> None:
    write_photo(Path('photos/07a.jpg'), np.random.default_rng(0), None)

    sets = plan(request_of_photos).sets

    assert sets.proxy and sets.measured.startswith('VAL PROXY')
    # The unlabelled photos beside them might show the same.
    assert sets.val.labelled == ['06', '07']
    assert not {'05', '07a'} & {*sets.names}
    assert {'00', '12'} < {*sets.names}
    listed = Path('out/labelled.txt').read_text().split()
    assert listed == ['01', '02', '03', '04', '08', '09', '10', '11']
    cfg = Config.fromfile('out/out.py')
    assert cfg.val_evaluator.type == 'WeakPixelAccuracy'
    assert cfg.default_hooks.checkpoint.save_best == 'proxyMeanAcc'


def label_alone(name: str, label: str) -> None:
    """Calls a stroke of a photo by a label that no other photo has."""
    path = Path(f'photos/{name}.json')
    record = json.loads(path.read_text())
    record['shapes'][-1]['label'] = label
    path.write_text(json.dumps(record))


def test_prepare_trains_on_the_only_image_of_a_class(
    request_of_photos: Request,
) -> None:
    label_alone('07', 'fox')
    # An unlabelled photo between a trained and a held-back one.
    write_photo(Path('photos/06a.jpg'), np.random.default_rng(0), None)

    start = plan(request_of_photos)

    assert start.sets.val.labelled == ['06']
    assert '07' in start.sets.train.labelled
    assert not {'05', '06', '06a'} & {*start.sets.names}
    assert '07 (fox)' in plan_text(start)
    report = validate_datasets(Config.fromfile(start.config))
    (finding,) = (f for f in report.findings if 'fox' in f.problem)
    assert finding.split.startswith('val')
    assert 'not measured' in finding.remedy


def test_prepare_says_if_sole_images_leave_no_validation(
    request_of_photos: Request,
) -> None:
    label_alone('06', 'fox')
    label_alone('07', 'owl')

    start = plan(request_of_photos)

    assert start.sets.val is None
    assert len(start.sets.names) == 13
    said = plan_text(start)
    assert '06 (fox), 07 (owl)' in said and 'with --val' in said
    assert Config.fromfile(start.config).val_dataloader is None


def test_prepare_holds_nothing_back_where_asked(
    request_of_photos: Request,
) -> None:
    sets = plan(request_of_photos, val_share=0.0).sets

    assert sets.val is None and 'no image is held back' in sets.measured
    assert len(sets.names) == 13
