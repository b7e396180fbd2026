"""Baselines of docs/add_to_your_config.md for photos without a label."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from labelme_photos import draw_photos, strokes, write_photo
from mmengine.config import Config
from start_plans import plan

from mmseg_sesam.cli.arguments import add_cfg_options
from mmseg_sesam.config_checks import check_config
from mmseg_sesam.start.start import Request

from .pages import DOCS, ROOT, read_commands, run_tool

# A schedule of two steps, and no download.
SMALL = (
    'train_cfg.max_iters=2 train_dataloader.batch_size=2 '
    'train_dataloader.num_workers=0 train_dataloader.persistent_workers=False '
    'model.backbone.pretrained=False default_hooks.logger.interval=1'
)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """Six photos, of which two have a label."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(6):
        draw = strokes if number < 2 else None
        write_photo(Path(f'photos/{number}.jpg'), rng, draw)
    return Request(Path('photos'), Path('photos'), Path('work_dirs/pets'))


def baseline() -> list[str]:
    """Returns the words of the page's command for unlabelled images."""
    commands = read_commands(DOCS / 'add_to_your_config.md')
    (text,) = (c.text for c in commands if 'labelled.txt' in c.text)
    return shlex.split(text)


def test_baseline_trains_on_labelled_photos(pets: Request) -> None:
    cfg = Config.fromfile(plan(pets).config)
    assert cfg.train_dataloader.sampler.type == 'LabelKindSampler'
    python, tool, *words = baseline()

    run_tool(str(ROOT / tool), *words, *SMALL.split())

    assert python == 'python'
    run = Path('work_dirs/pets/weak_only')
    assert (run / 'iter_2.pth').is_file()
    assert not (run / 'pseudo_labels').exists()


@pytest.mark.parametrize('hook', ['enabled=False', 'max_rounds=0'])
def test_baselines_of_corrections_pass_the_checks(
    pets: Request, hook: str
) -> None:
    folder = draw_photos('drawn', '0')
    cfg = Config.fromfile(plan(pets, corrected=(folder,)).config)
    words = baseline()
    options = ' '.join(words[words.index('--cfg-options') :])
    options = options.replace('enabled=False', hook)
    joined = options.replace('loader.dataset.', 'loader.dataset.datasets.0.')
    parser = ArgumentParser()
    add_cfg_options(parser)

    cfg.merge_from_dict(parser.parse_args(joined.split()).cfg_options)

    check_config(cfg)
