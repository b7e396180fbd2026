from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import strokes, write_photo
from mmengine.config import Config
from PIL import Image
from warm_processes import run_warm

from mmseg_sesam.store.store import PseudoLabelStore

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools/start.py'
# A schedule of two steps, small images, and no download.
SMALL = [
    'train_cfg.max_iters=2',
    'train_cfg.val_interval=2',
    'model.backbone.pretrained=False',
    'train_dataloader.batch_size=2',
    'default_hooks.checkpoint.save_optimizer=False',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'default_hooks.pseudo_labels.begin=1',
    'default_hooks.pseudo_labels.interval=1',
    'default_hooks.pseudo_labels.max_rounds=1',
    'default_hooks.logger.interval=1',
]
SMALL_VAL = [
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of eight photos with strokes in it and one without a label."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(1, 10):
        path = tmp_path / f'photos/{number:02}.jpg'
        write_photo(path, rng, None if number == 9 else strokes)
    return Path('photos')


@pytest.mark.slow
def test_start_runs_training_and_report(photos: Path) -> None:
    done = run_warm(
        *(TOOL, photos, photos, '--out', 'pets', '--jobs', 1),
        *('--run', '--cfg-options', *SMALL),
    )

    assert done.returncode == 0, done.stdout
    assert 'labelme' in done.stdout
    assert 'no image is held back' in done.stdout
    cfg = Config.fromfile('pets/pets.py')
    assert cfg.metainfo.classes == ('background', 'cat', 'dog')
    assert cfg.val_dataloader is None
    assert cfg.model.regularizers == [
        dict(type='GatedCRFLoss', loss_weight=0.1)
    ]
    label = np.array(Image.open('pets/labels/01.png'))
    assert set(np.unique(label)) == {0, 1, 2, 255}
    assert PseudoLabelStore('pets/run/pseudo_labels').current == 1
    assert Path('pets/run/iter_2.pth').is_file()
    assert Path('pets/run/report.html').is_file()


def test_start_ends_where_training_fails(photos: Path) -> None:
    done = run_warm(
        *(TOOL, photos, photos, '--out', 'pets', '--jobs', 1),
        *('--run', '--cfg-options', 'model.teacher=nobody'),
    )

    assert done.returncode
    assert not Path('pets/run/report.html').exists()


@pytest.mark.parametrize(
    ('run', 'resume'),
    [
        (
            '--run --cfg-options train_cfg.max_iters=9',
            '--resume --cfg-options train_cfg.max_iters=9`',
        ),
        ('', '--resume`'),
    ],
)
def test_start_keeps_an_earlier_training(
    photos: Path, run: str, resume: str
) -> None:
    Path('pets/run').mkdir(parents=True)
    Path('pets/run/iter_2.pth').touch()

    done = run_warm(TOOL, photos, photos, '--out', 'pets', *run.split())

    assert done.returncode == 1
    assert f'`python tools/train.py pets/pets.py {resume}' in done.stdout
    assert 'give another --out' in done.stdout
    assert [*Path('pets').iterdir()] == [Path('pets/run')]


def test_start_holds_back_share_as_proxy(photos: Path) -> None:
    done = run_warm(
        *(TOOL, photos, photos, '--out', 'pets', '--jobs', 1),
        *('--val-share', 0.25),
        *('--run', '--cfg-options', *SMALL, *SMALL_VAL),
    )

    assert done.returncode == 0, done.stdout
    assert 'Validation: VAL PROXY' in done.stdout
    held = Path('pets/val.txt').read_text().split()
    trained = Path('pets/train.txt').read_text().split()
    assert held == ['04', '05']
    assert not {*held} & {*trained}
    assert '09' in trained
    assert [*Path('pets/run').glob('best_proxyMeanAcc_iter_*.pth')]
    scalars = Path('pets/run').glob('*/vis_data/scalars.json')
    text = next(scalars).read_text()
    assert 'proxyAcc' in text and 'mIoU' not in text
    page = Path('pets/run/report.html').read_text()
    assert '<h1>pets</h1>' in page
    assert 'VAL PROXY, % of held-back weak pixels' in page
    assert 'val mIoU' not in page.split('<script')[0]


def test_start_says_which_tool_has_an_option(photos: Path) -> None:
    for path in photos.glob('*.json'):
        path.write_text(path.read_text().replace('linestrip', 'rectangle'))

    done = run_warm(TOOL, photos, photos, '--out', 'pets', '--jobs', 1)

    assert done.returncode == 1
    assert 'Only tools/convert_annotations.py has --boxes' in done.stdout


def test_start_says_so_of_labels_that_cannot_be_converted(
    photos: Path, tmp_path: Path
) -> None:
    labels = tmp_path / 'labels'
    labels.mkdir()
    for path in photos.glob('*.jpg'):
        label = Image.new('L', Image.open(path).size, 9)
        label.save(labels / f'{path.stem}.png')

    words = (TOOL, photos, labels, '--out', 'pets', '--jobs', 1)
    done = run_warm(*words, '--classes', 'cat', 'dog')

    assert done.returncode == 1
    assert 'holds the values [9]' in done.stdout
    assert 'Only tools/convert_annotations.py has --map' in done.stdout


def test_start_names_no_option_for_a_label_of_another_size(
    photos: Path,
) -> None:
    Path('labels').mkdir()
    for path in photos.glob('*.jpg'):
        Image.new('L', (9, 9), 1).save(f'labels/{path.stem}.png')

    words = (TOOL, photos, 'labels', '--out', 'pets', '--jobs', 1)
    done = run_warm(*words, '--classes', 'cat', 'dog')

    assert done.returncode == 1
    assert 'is a label of 9 x 9' in done.stdout
    assert '--images' not in done.stdout


def test_start_rejects_a_folder_that_is_not_there(refusal) -> None:
    words = 'start.py', 'nowhere', '.'
    assert 'argument images: nowhere is not a folder' in refusal(*words)


def test_start_refuses_options_of_a_training_without_one(refusal) -> None:
    words = 'start.py', '.', '.', '--cfg-options', 'train_cfg.max_iters=2'
    assert 'give --run' in refusal(*words)


def test_start_prints_command_that_converts_as_it_did(photos: Path) -> None:
    done = run_warm(TOOL, photos, photos, '--out', 'pets', '--jobs', 1)
    command = done.stdout.split('By hand:\n')[1].splitlines()[0]
    before = Path('pets/labels/01.png').read_bytes()
    shutil.rmtree('pets/labels')

    python, tool, *rest = command.split()
    done = run_warm(ROOT / tool, *rest, '--jobs', 1)

    assert python == 'python'
    assert done.returncode == 0, done.stdout
    assert Path('pets/labels/01.png').read_bytes() == before


def test_start_names_unknown_format(tmp_path: Path, photos: Path) -> None:
    (tmp_path / 'notes').mkdir()
    (tmp_path / 'notes/a.txt').write_text('cat\n')

    done = run_warm(TOOL, photos, 'notes', '--out', 'pets')

    assert done.returncode == 1
    assert 'is unknown, expected one of' in done.stdout
    assert not Path('pets').exists()
