"""The config of docs/mixed.md trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_sesam.store.store import PseudoLabelStore

from .pages import DOCS, ONE_REFRESH, ROOT, read_blocks, run_tool

SIZE = (72, 96)
KINDS = ('dense', 'scribble', 'unlabelled')
SMALL = (
    f'train_cfg.max_iters=2 train_cfg.val_interval=2 {ONE_REFRESH} '
    'train_dataloader.batch_size=4 model.backbone.pretrained=False '
    'default_hooks.logger.interval=1'
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two images of each kind, and the page's config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SESAM_DATA', raising=False)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    root = tmp_path / 'data/my_dataset'
    rng = np.random.default_rng(0)
    dense = np.tile(np.arange(SIZE[1]) // 32, (SIZE[0], 1)).astype(np.uint8)
    weak = np.full(SIZE, 255, np.uint8)
    weak[8:-8, 16::32] = dense[8:-8, 16::32]
    labels = dict(dense=('dense', dense), scribble=('weak', weak))
    for split, kinds in (('train', KINDS), ('val', KINDS[:1])):
        for kind in kinds:
            names = [f'{kind}_{index}' for index in range(2)]
            for name in names:
                image = 80 * dense[..., None] + rng.integers(0, 20, (*SIZE, 3))
                save(root / f'images/{split}/{name}.jpg', image)
                if kind in labels:
                    folder, label = labels[kind]
                    save(root / folder / split / f'{name}.png', label)
            if split == 'train':
                (root / f'{kind}.txt').write_text('\n'.join(names))
    (block,) = (
        block
        for block in read_blocks(DOCS / 'mixed.md')
        if block.title == 'mixed.py'
    )
    (tmp_path / 'mixed.py').write_text(block.text)
    return tmp_path


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(path)


def test_config_of_the_page_reads_files_as_its_base(project: Path) -> None:
    base = ROOT / 'configs/sesam/deeplabv3_my_dataset.py'
    images = Config.fromfile(base).train_dataloader.dataset
    own = {'ann_file', 'data_prefix', 'pipeline'}
    for part in Config.fromfile('mixed.py').train_dataloader.dataset.datasets:
        assert {k: part.get(k) for k in images if k not in own} == {
            k: v for k, v in images.items() if k not in own
        }


def test_config_of_the_page_trains(project: Path) -> None:
    cfg = Config.fromfile('mixed.py')
    for part in cfg.train_dataloader.dataset.datasets:
        for step in part.pipeline:
            if step.type == 'RandomCrop':
                step.crop_size = (64, 64)
            if step.type == 'RandomResize':
                step.scale = (96, 72)
    cfg.model.data_preprocessor.size = (64, 64)
    cfg.dump('small.py')
    command = f'small.py --work-dir work --cfg-options {SMALL}'

    run_tool(str(ROOT / 'tools/validate_dataset.py'), 'small.py')
    run_tool(str(ROOT / 'tools/train.py'), *command.split())

    store = PseudoLabelStore(project / 'work/pseudo_labels')
    assert store.current == 1
    assert set(store.manifest(1)['kinds']) == {'dense', 'scribble', 'none'}
    assert store.manifest(1)['summary']['dense_images'] == 2
