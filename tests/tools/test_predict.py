"""Predictions of a folder from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from PIL import Image

from mmseg_sesam.compat import loads_safely
from mmseg_sesam.io.labels import read_label, read_palette

CLASSES, PALETTE = ['left', 'right'], [[200, 0, 0], [0, 200, 0]]


def save(cfg: Config, path: Path) -> Path:
    """Writes random weights of a config's model."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    meta = dict(dataset_meta=dict(classes=CLASSES, palette=PALETTE))
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def network(tiny_config: Path) -> tuple[Path, Path]:
    """A config and a checkpoint, of two classes."""
    path = tiny_config.parent / 'network.pth'
    return tiny_config, save(Config.fromfile(tiny_config), path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images of different sizes, one in a folder."""
    folder = tmp_path / 'photos'
    (folder / 'town').mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (('town/a.png', (40, 70)), ('b.jpg', (64, 48))):
        pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def names(folder: Path) -> set[str]:
    files = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files}


def test_predict_writes_all_files(
    run_again, network: tuple[Path, Path], images: Path, project_root: Path
) -> None:
    out = images.parent / 'out'
    words = (project_root / 'tools/predict.py', *network, images, out)

    done = run_again(*words, '--confidence', '--jobs', 1)

    assert done.returncode == 0, done.stdout
    assert f'2 predictions in {out}' in done.stdout
    assert names(out) == {
        *('predictions.json', 'labels/b.png', 'labels/town/a.png'),
        *('overlays/b.jpg', 'overlays/town/a.jpg'),
        *('confidence/b.png', 'confidence/town/a.png'),
    }
    cfg = Config.fromfile(network[0])
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    model = init_model(cfg, str(network[1]), device='cpu')
    for key, name in (('town/a', 'town/a.png'), ('b', 'b.jpg')):
        label = inference_model(model, str(images / name)).pred_sem_seg.data
        found = read_label(out / f'labels/{key}.png')
        assert (found == label[0].numpy()).mean() > 0.999
        assert read_label(out / f'confidence/{key}.png').min() >= 127
        with Image.open(out / f'overlays/{key}.jpg') as overlay:
            assert overlay.size == found.shape[::-1]
    assert read_palette(out / 'labels/b.png')[:2] == PALETTE
    record = json.loads((out / 'predictions.json').read_text())
    assert record['classes'] == CLASSES


def test_predict_resumes_and_overwrites_nothing(
    run_here, network: tuple[Path, Path], images: Path
) -> None:
    # Predictions among the images are not predicted themselves.
    out = images / 'out'
    words = ('predict.py', *network, images, out, '--jobs', 1)
    broken = images / 'c.png'
    broken.write_bytes(b'no image')

    done = run_here(*words, '--no-overlays')
    assert done.returncode == 1
    assert '1 images lack some or all files' in done.stdout
    assert f'{broken} cannot be loaded' in done.stdout
    labels = {'labels/b.png', 'labels/town/a.png'}
    assert names(out) == {*labels, 'predictions.json'}

    Image.new('RGB', (8, 6)).save(broken)
    (out / 'labels/b.png').write_bytes(b'mine')
    done = run_here(*words, '--no-overlays')
    assert done.returncode == 2 and 'or --resume' in done.stdout
    done = run_here(*words, '--no-overlays', '--resume')
    assert done.returncode == 0, done.stdout
    assert '2 images are done already' in done.stdout
    assert (out / 'labels/b.png').read_bytes() == b'mine'
    assert read_label(out / 'labels/c.png').shape == (6, 8)

    done = run_here(*words, '--resume', '--tile', 100)
    assert done.returncode == 1
    assert 'tile=2048, and now tile is 100' in done.stdout
    words = ('predict.py', *network, images / 'town', out, '--resume')
    assert (
        f'and now images is {str(images / "town")!r}'
        in run_here(*words).stdout
    )
    with network[0].open('a') as config:
        config.write("model['test_cfg'] = dict(mode='whole', changed=True)")
    words = ('predict.py', *network, images, out, '--resume')
    assert 'and now config_sha256 is' in run_here(*words).stdout


@pytest.mark.skipif(not loads_safely(), reason='needs torch 2.6 or later')
def test_predict_with_a_student_as_with_its_training(
    run_here, make_config: Callable[..., Config], images: Path, tmp_path: Path
) -> None:
    cfg = make_config()
    cfg.test_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='PackSegInputs'),
    ]
    cfg.model.test_cfg = dict(
        mode='slide', crop_size=(32, 32), stride=(20, 20)
    )
    cfg.custom_imports = dict(imports=['mmseg_sesam'])
    config, plain = tmp_path / 'sesam.py', tmp_path / 'plain.pth'
    cfg.dump(config)
    checkpoint = save(cfg, tmp_path / 'sesam.pth')
    done = run_here('export_student.py', config, checkpoint, plain)
    assert done.returncode == 0, done.stdout

    for name, words in (
        ('first', (config, checkpoint)),
        ('second', (plain.with_suffix('.py'), plain)),
    ):
        words = (*words, images, tmp_path / name, '--jobs', 1)
        done = run_here('predict.py', *words)
        assert done.returncode == 0, done.stdout
    for path in (tmp_path / 'first').rglob('labels/**/*.png'):
        other = tmp_path / 'second' / path.relative_to(tmp_path / 'first')
        assert (read_label(path) == read_label(other)).all()


def test_predict_refuses_confidence_of_scores_that_are_no_logits(
    run_here, tiny_config: Path, images: Path, tmp_path: Path
) -> None:
    head = dict(
        type='SideAdapterCLIPHead',
        num_classes=2,
        deep_supervision_idxs=[],
        train_cfg=None,
        san_cfg=dict(
            in_channels=3,
            clip_channels=4,
            embed_dims=4,
            num_queries=2,
            cfg_encoder=dict(num_encode_layer=1, num_heads=1, mlp_ratio=1),
            cfg_decoder=dict(
                num_heads=1,
                num_layers=1,
                embed_channels=4,
                mlp_channels=4,
                num_mlp=1,
                rescale=True,
            ),
        ),
        maskgen_cfg=dict(
            sos_token_num=2,
            embed_dims=4,
            num_heads=1,
            num_layers=1,
            mlp_ratio=1,
            out_dims=4,
        ),
    )
    with tiny_config.open('a') as config:
        config.write(f"model['decode_head'] = {head!r}\n")
    weights = save(Config.fromfile(tiny_config), tmp_path / 'network.pth')
    out = tmp_path / 'out'

    done = run_here(
        *('predict.py', tiny_config, weights, images, out, '--confidence')
    )

    assert done.returncode == 1
    assert 'class scores of SideAdapterCLIPHead are no logits' in done.stdout
    assert not out.exists()


def test_predict_refuses_other_arguments(
    run_here, refusal, network: tuple[Path, Path], images: Path, tmp_path: Path
) -> None:
    words = ['predict.py', *network, images, tmp_path / 'out']
    slide = ['--cfg-options', 'model.test_cfg.mode=slide']
    assert '--tile has no effect' in refusal(*words, '--tile', 64, *slide)
    assert 'no side of a tile' in refusal(*words, '--tile', 3)
    gone = [*words[:3], tmp_path / 'gone', words[4]]
    assert 'does not exist' in refusal(*gone)
    other = [*words[:4], images, '--resume']
    assert 'has no predictions.json' in run_here(*other).stdout
    Image.new('RGB', (8, 6)).save(images / 'b.png')
    done = run_here(*words)
    assert 'would both be predicted in b.png' in done.stdout
    assert not (tmp_path / 'out').exists()
