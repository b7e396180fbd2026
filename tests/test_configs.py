"""Every config is parsed, built and stepped once on tiny data."""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import json
import re
import shlex
from pathlib import Path

import mmseg
import numpy as np
import pytest
from mmengine.config import Config, DictAction
from mmengine.runner import Runner
from PIL import Image
from warm_processes import run_warm

from mmseg_sesam.datasets.pipeline_configs import (
    iterate_transforms,
    leaf_datasets,
)
from mmseg_sesam.store.store import PseudoLabelStore

CONFIGS = Path(__file__).parents[1] / 'configs'
SESAM = sorted(path.stem for path in (CONFIGS / 'sesam').glob('*.py'))
README = (CONFIGS / 'sesam' / 'README.md').read_text()
SIDE = 64

# Where each data set keeps images and labels: folder and suffix of both.
LAYOUTS = {
    'voc': (
        'VOCdevkit/VOC2012',
        ('JPEGImages', '.jpg'),
        [
            ('SegmentationClass', '.png'),
            ('SegmentationClassAug', '.png'),
            ('ScribbleSup', '.png'),
            ('WhatsThePoint', '.png'),
        ],
    ),
    'cityscapes': (
        'cityscapes',
        ('leftImg8bit/train/town', '_leftImg8bit.png'),
        [
            ('gtCoarse/train/town', '_gtCoarse_labelTrainIds.png'),
            ('gtFine/train/town', '_gtFine_labelTrainIds.png'),
        ],
    ),
    'ade20k': (
        'ade/ADEChallengeData2016',
        ('images/training', '.jpg'),
        [('annotations/training', '.png')],
    ),
    'camvid': (
        'camvid',
        ('images/train', '.jpg'),
        [('annotations/train', '.png')],
    ),
    'acdc': (
        'acdc',
        ('images/train', '.png'),
        [('scribbles/train', '.png'), ('annotations/train', '.png')],
    ),
    'coral': (
        'coral',
        ('images/train', '.jpg'),
        [('annotations/train', '.png')],
    ),
    'my_dataset': (
        'my_dataset',
        ('images/train', '.jpg'),
        [('weak/train', '.png')],
    ),
}


@functools.cache
def load(name: str) -> Config:
    """The config as it is, with data in ./data; no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv('SESAM_DATA', raising=False)
        return Config.fromfile(CONFIGS / 'sesam' / f'{name}.py')


@pytest.fixture
def tiny_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images of every data set in ./data."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    label = np.full((SIDE, SIDE), 1, np.uint8)
    label[:, : SIDE // 2] = 2
    image = np.where(label[..., None] == 1, 60, 180)
    image = image + rng.integers(-9, 10, (SIDE, SIDE, 3))
    for root, images, labels in LAYOUTS.values():
        for folder, suffix in [images, *labels]:
            target = tmp_path / 'data' / root / folder
            target.mkdir(parents=True)
            array = image.astype(np.uint8) if folder == images[0] else label
            for name in ('a', 'b'):
                Image.fromarray(array).save(target / f'{name}{suffix}')
    lists = tmp_path / 'data/VOCdevkit/VOC2012/ImageSets/Segmentation'
    lists.mkdir(parents=True)
    for split in ('train', 'trainaug'):
        (lists / f'{split}.txt').write_text('a\nb\n')


def narrow(model: Config) -> None:
    """Gives a ResNet and its heads an eighth of their channels."""
    if not model.backbone.type.startswith('ResNet'):
        return
    model.backbone.base_channels = 8
    for part in (model.decode_head, model.auxiliary_head):
        for key in [key for key in part if key.endswith('channels')]:
            part[key] //= 8


def shrink(cfg: Config) -> None:
    """Makes one step of a config quick, and independent of downloads."""
    cfg.model.pretrained = None
    narrow(cfg.model)
    if cfg.model.backbone.type == 'TIMMBackbone':
        cfg.model.backbone.pretrained = False
    cfg.model.data_preprocessor.size = (SIDE, SIDE)
    for index, part in enumerate(leaf_datasets(cfg.train_dataloader.dataset)):
        if 'indices' in part:
            part.indices = [index]
    for transform in iterate_transforms(cfg.train_dataloader.dataset):
        if transform['type'] == 'RandomCrop':
            transform.crop_size = (SIDE, SIDE)
        if transform['type'] == 'RandomResize':
            transform.scale = (SIDE, SIDE)
    cfg.train_dataloader.update(
        batch_size=2, num_workers=0, persistent_workers=False
    )
    cfg.train_cfg.max_iters = 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    hook = cfg.default_hooks.pseudo_labels
    hook.generator.segmenter = dict(type='SuperpixelSegmenter')
    hook.num_workers = 0
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(interval=-1, save_last=False)
    cfg.work_dir = 'work_dirs/run'


def quick_first(names: list[str]) -> list:
    """Configs as parameters; most dense baselines wait for the slow tests.

    A baseline changes the same options in each family: CamVid's always runs.
    """
    return [
        pytest.param(name, marks=pytest.mark.slow)
        if name.endswith('_full') and '_camvid_' not in name
        else name
        for name in names
    ]


def step(cfg: Config) -> int | None:
    """Trains a config for one step, and returns the round that it made."""
    shrink(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 1
    assert runner.model.iteration == 1
    return PseudoLabelStore(Path(cfg.work_dir, 'pseudo_labels')).current


@pytest.mark.parametrize('name', quick_first(SESAM))
def test_config_is_built_and_stepped(name: str, tiny_data: None) -> None:
    made = step(copy.deepcopy(load(name)))
    assert made == (None if name.endswith('_full') else 0)


@pytest.mark.parametrize(
    ('baseline', 'of_hook', 'made'),
    [
        ('weak labels only', dict(enabled=False), None),
        ('weak labels and the first round', dict(max_rounds=0), 0),
    ],
)
def test_readme_gives_options_of_each_baseline(
    baseline: str, of_hook: dict, made: int | None, tiny_data: None
) -> None:
    (row,) = re.findall(rf'^\| {baseline}.* \| `(.*)` \|$', README, re.M)
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    words = ['--cfg-options', *shlex.split(row)]
    cfg = copy.deepcopy(load('deeplabv3_camvid_scribble'))
    cfg.merge_from_dict(parser.parse_args(words).cfg_options)

    assert (cfg.model.teacher, cfg.model.regularizers) == (None, [])
    hook = cfg.default_hooks.pseudo_labels
    assert {name: hook[name] for name in of_hook} == of_hook
    assert step(cfg) == made


def test_readme_computes_class_weights(
    tiny_data: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    (code,) = re.findall(r'^```python\n(.*?)^```', README, re.M | re.S)
    monkeypatch.delenv('SESAM_DATA', raising=False)
    exec(code.replace("'configs/", f"'{CONFIGS}/"), {})
    printed = capsys.readouterr().out
    cfg = copy.deepcopy(load('deeplabv3_camvid_scribble'))
    (option,) = re.findall(r'`--cfg-options (.*)\'\[...\]\'`', README)
    cfg.merge_from_dict({option.rstrip('='): ast.literal_eval(printed)})
    weights = cfg.model.decode_head.loss_decode.class_weight
    # The tiny labels have the classes 1 and 2.
    assert len(weights) == cfg.model.decode_head.num_classes
    assert max(weights[1:3]) < min(weights[:1] + weights[3:])


def test_page_stretches_the_schedule_of_a_config() -> None:
    page = (CONFIGS.parent / 'docs' / 'choosing.md').read_text()
    (command,) = re.findall(
        r'train.py (\S+ --cfg-options .*?)\n```', page, re.S
    )
    path, *words = shlex.split(command.replace('\\\n', ' '))
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    cfg = copy.deepcopy(load(Path(path).stem))
    before = steps_of(cfg)
    cfg.merge_from_dict(parser.parse_args(words).cfg_options)
    assert steps_of(cfg) == [10 * number for number in before]


def steps_of(cfg: Config) -> list[int]:
    """Numbers of steps that grow with a training."""
    hooks = cfg.default_hooks
    warmup, decay = cfg.param_scheduler
    return [
        *(cfg.train_cfg.max_iters, cfg.train_cfg.val_interval),
        *(warmup.end, decay.begin, decay.end, hooks.checkpoint.interval),
        *(hooks.pseudo_labels.begin, hooks.pseudo_labels.interval),
    ]


# Rows of results/SET-ROW-superpixel-s800-seed0.json.
MEASURED = {
    'deeplabv3-lite0_voc_full': 'voc-unweighted-full',
    'deeplabv3-lite0_voc_point': 'voc-sesam-point',
    'deeplabv3_acdc_full': 'acdc-full',
    'deeplabv3_acdc_scribble': 'acdc-sesam-scribble',
    'deeplabv3_camvid_coarse': 'camvid-sesam-coarse',
    'deeplabv3_camvid_full': 'camvid-full',
    'deeplabv3_camvid_mixed': 'half-camvid-dense10+scribble',
    'deeplabv3_camvid_point': 'camvid-sesam-point',
    'deeplabv3_camvid_scribble': 'camvid-sesam-scribble',
    'deeplabv3_coral_full': 'coral-full',
    'deeplabv3_coral_point': 'coral-sesam-point',
}


@pytest.mark.parametrize('name', MEASURED)
def test_config_has_the_weights_and_result_of_its_run(name: str) -> None:
    file = f'{MEASURED[name]}-superpixel-s800-seed0.json'
    results = CONFIGS.parent / 'benchmarks' / 'accuracy' / 'results'
    run = json.loads((results / file).read_text())
    cfg = load(name)
    weights = cfg.model.decode_head.loss_decode.get('class_weight')
    assert weights == run['class_weight']
    assert cfg.train_cfg.max_iters == run['steps']
    (line,) = re.findall(rf'^\| \[{name}\].*', README, re.M)
    assert f' {run["val"][-1]["miou"]:.1f}' in line


def test_config_has_its_dense_baseline() -> None:
    for name in SESAM:
        if name.rsplit('_', 1)[1] in ('coarse', 'scribble', 'point'):
            assert f'{name.rsplit("_", 1)[0]}_full' in SESAM


LABELS = ('coarse', 'point', 'scribble', 'scribblesup')


@pytest.mark.parametrize('name', [n for n in SESAM if n.endswith(LABELS)])
def test_dense_baseline_has_the_images_of_its_config(name: str) -> None:
    dense = load(f'{name.rsplit("_", 1)[0]}_full')
    cfgs = load(name), dense
    datasets = [cfg.train_dataloader.dataset for cfg in cfgs]
    named = [
        (d.data_root, d.data_prefix.img_path, d.get('ann_file'))
        for d in datasets
    ]
    assert named[0] == named[1]
    if 'voc' in name:
        label = datasets[1].data_prefix.seg_map_path
        assert label == 'SegmentationClassAug'


def test_readme_table_lists_each_config() -> None:
    lines = README.splitlines()
    rows = [line.split(' | ') for line in lines if line.startswith('| [')]
    assert [row[0] for row in rows] == [
        f'| [{name}]({name}.py)' for name in SESAM
    ]
    for name, row in zip(SESAM, rows):
        cfg = load(name)
        assert row[3].endswith(f' x {cfg.train_dataloader.batch_size}')
        assert row[4] == re.sub('000$', 'k', f'{cfg.train_cfg.max_iters}')


def test_runner_names_a_missing_sam_checkpoint_at_once(
    tiny_data: None,
) -> None:
    cfg = copy.deepcopy(load('deeplabv3_voc_coarse'))
    segmenter = cfg.default_hooks.pseudo_labels.generator.segmenter
    shrink(cfg)
    cfg.default_hooks.pseudo_labels.generator.segmenter = segmenter
    with pytest.raises(
        FileNotFoundError, match=r'checkpoints/sam_vit_h_4b8939\.pth'
    ):
        Runner.from_cfg(cfg)


def test_stock_train_tool_runs_and_resumes_a_config(
    tiny_data: None, tmp_path: Path
) -> None:
    cfg = copy.deepcopy(load('segformer_ade20k_scribble'))
    shrink(cfg)
    cfg.default_hooks.pseudo_labels.update(begin=2, interval=2)
    cfg.default_hooks.checkpoint.update(interval=2, save_last=True)
    cfg.train_cfg.max_iters = 2
    cfg.dump(tmp_path / 'first.py')
    cfg.train_cfg.max_iters = 3
    cfg.dump(tmp_path / 'second.py')

    tool = Path(mmseg.__file__).parent / '.mim' / 'tools' / 'train.py'
    first = run_warm(tool, tmp_path / 'first.py')
    assert first.returncode == 0, first.stdout
    # Nothing learns from a refresh after the last step; the checkpoint notes
    # for a longer training that it was due.
    made = tmp_path / cfg.work_dir / 'pseudo_labels/round_0001/manifest.json'
    assert not made.exists()
    second = run_warm(tool, tmp_path / 'second.py', '--resume')

    assert second.returncode == 0, second.stdout
    assert made.is_file()
    assert 'Iter(train) [3/3]' in second.stdout
    assert 'Iter(train) [2/3]' not in second.stdout
