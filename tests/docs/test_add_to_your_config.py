"""The configs of docs/add_to_your_config.md and of the README work."""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS
from mmseg.utils import register_all_modules
from PIL import Image

from .pages import DOCS, ONE_REFRESH, ROOT, read_blocks, run_tool

BLOCKS = {b.title: b.text for b in read_blocks(DOCS / 'add_to_your_config.md')}
SIZE = (72, 96)
CROP = (64, 64)
# No download, a schedule of two steps with one refresh, and small images.
SMALL = (
    'model.pretrained=None train_cfg.max_iters=2 train_cfg.val_interval=2 '
    f'{ONE_REFRESH}'
)
# A network of an eighth of the channels.
NARROW = {
    'model.backbone.stem_channels': 8,
    'model.backbone.base_channels': 8,
    'model.decode_head.in_channels': 256,
    'model.decode_head.channels': 64,
    'model.auxiliary_head.in_channels': 128,
    'model.auxiliary_head.channels': 32,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both configs and images of three stripes."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    dense = np.tile(np.arange(SIZE[1]) // 32, (SIZE[0], 1)).astype(np.uint8)
    weak = np.full(SIZE, 255, np.uint8)
    weak[8:-8, 16::32] = dense[8:-8, 16::32]
    for split in ('train', 'val'):
        image = 80 * dense[..., None] + rng.integers(0, 20, (*SIZE, 3))
        for folder, array in (
            ('images', image.astype(np.uint8)),
            ('dense', dense),
            ('weak', weak),
        ):
            suffix = '.jpg' if folder == 'images' else '.png'
            path = Path('data/pets', folder, split, f'1{suffix}')
            path.parent.mkdir(parents=True)
            Image.fromarray(array).save(path)
    for name in ('before.py', 'after.py'):
        small = BLOCKS[name].replace('(512, 512)', str(CROP))
        Path(name).write_text(small.replace('(2048, 512)', '(96, 72)'))
    return tmp_path


def without_sam(after: str) -> str:
    """Returns after.py with superpixels, changed as the page says."""
    head, rest = after.split('segmenter = dict(\n')
    _, rest = rest.split('\n)\n', 1)
    hook = "generator=dict(type='PseudoLabelGenerator', segmenter=segmenter)"
    assert hook in rest
    rest = rest.replace(hook, 'generator=generator')
    return head + BLOCKS['superpixels.py'] + rest


def test_before_builds_a_stock_model_and_data_set(project: Path) -> None:
    cfg = Config.fromfile('before.py')
    cfg.model.pretrained = None
    register_all_modules()

    model = MODELS.build(cfg.model)
    sample = DATASETS.build(cfg.train_dataloader.dataset)[0]

    assert type(model).__name__ == 'EncoderDecoder'
    assert sample['inputs'].shape[1:] == CROP


def test_after_trains_a_model_that_before_loads(project: Path) -> None:
    path = Path('after.py')
    path.write_text(without_sam(path.read_text()))
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(NARROW)
    cfg.dump(path)
    command = ('after.py', '--cfg-options', *SMALL.split())

    run_tool(str(ROOT / 'tools/train.py'), *command)

    run = Path('work_dirs/after')
    rounds = {path.parent for path in (run / 'pseudo_labels').rglob('1.png')}
    assert len(rounds) == 2
    before = Config.fromfile('before.py')
    before.merge_from_dict({'model.pretrained': None, **NARROW})
    plain = MODELS.build(before.model)
    state = torch.load(run / 'iter_2.pth')['state_dict']
    assert set(plain.state_dict()) <= set(state)
    plain.load_state_dict(
        {key: state[key] for key in plain.state_dict()}, strict=True
    )


def test_readme_shows_the_lines_that_differ() -> None:
    before, after = (
        BLOCKS[name].splitlines() for name in ('before.py', 'after.py')
    )
    diff = list(difflib.unified_diff(before, after, lineterm=''))[2:]
    shown = [
        line
        for block in read_blocks(ROOT / 'README.md')
        if block.language == 'diff'
        for line in block.text.splitlines()
    ]

    assert [s for s in shown if s[0] in '+-'] == [
        line for line in diff if line[0] in '+-'
    ]
    assert all(s[1:] in before for s in shown if s[0] == ' ')


def test_superpixels_are_those_of_the_base_config() -> None:
    path = ROOT / 'configs/_base_/segmenters/superpixel.py'
    shown = Config.fromstring(BLOCKS['superpixels.py'], '.py')

    assert shown.generator == Config.fromfile(path).generator
