"""Images of four bands of 16 bits, from annotations to the report."""

from __future__ import annotations

import base64
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Callable

import mmseg
import numpy as np
import pytest
import tifffile
from mmengine.config import Config
from PIL import Image
from pipelines import place_of

from mmseg_sesam.io.labels import read_label, read_palette
from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.run import read_run
from mmseg_sesam.store.store import LABELS, PseudoLabelStore
from mmseg_sesam.visualization.sheet import paint_label

MakeConfig = Callable[..., Config]
SIZE = (40, 48)
# Reflectances of three classes in four bands. Only the fourth tells the last
# two apart.
BANDS = np.array(
    [[900, 700, 500, 400], [400, 900, 300, 5000], [400, 900, 300, 900]]
)
BORDERS = (14, 32)
LOADING = [
    dict(
        type='LoadImageFromFile', imdecode_backend='tifffile', to_float32=True
    ),
    dict(type='LoadRGBView', channels=(3, 1, 0), value_range=(0, 6000)),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three TIFF files of one image's kind, each with a JSON of LabelMe."""
    root = tmp_path / 'bands'
    (root / 'images').mkdir(parents=True)
    rng = np.random.default_rng(0)
    dense = np.digitize(np.arange(SIZE[1]), BORDERS).astype(np.uint8)
    dense = np.tile(dense, (SIZE[0], 1))
    (root / 'dense').mkdir()
    for index in range(3):
        image = BANDS[dense] + rng.integers(-50, 51, (*SIZE, 4))
        path = root / f'images/{index}.tif'
        tifffile.imwrite(path, image.astype(np.uint16), photometric='rgb')
        edges = [0, *BORDERS, SIZE[1]]
        shapes = [
            dict(
                label=name,
                points=[[(x0 + x1) / 2, 6], [(x0 + x1) / 2, 34]],
                shape_type='linestrip',
                flags={},
            )
            for name, x0, x1 in zip('abc', edges, edges[1:])
        ]
        record = dict(
            version='5.5.0',
            flags={},
            shapes=shapes,
            imagePath=path.name,
            imageData=None,
        )
        path.with_suffix('.json').write_text(json.dumps(record))
        Image.fromarray(dense).save(root / f'dense/{index}.png')
    return root


@pytest.fixture
def config(make_config: MakeConfig, folder: Path, tmp_path: Path) -> Path:
    cfg = make_config(
        custom_imports=dict(imports=['mmseg_sesam']),
        work_dir=str(tmp_path / 'run'),
        train_cfg__max_iters=3,
        model__backbone__in_channels=4,
        model__regularizers=[dict(type='GatedCRFLoss')],
        model__data_preprocessor__mean=[500.0] * 4,
        model__data_preprocessor__std=[800.0] * 4,
    )
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = str(folder)
    dataset.img_suffix = '.tif'
    pipeline = dataset.pipeline
    # It is for colours of 8 bits.
    del pipeline[place_of(pipeline, 'PhotoMetricDistortion')]
    pipeline[:1] = LOADING
    cfg.val_dataloader = dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            dataset,
            data_prefix=dict(img_path='images', seg_map_path='dense'),
            # The report shows the view of training.
            pipeline=[
                LOADING[0],
                dict(type='LoadAnnotations'),
                dict(type='PackSegInputs'),
            ],
        ),
    )
    cfg.val_cfg = dict(type='ValLoop')
    cfg.val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
    cfg.train_cfg.val_interval = 3
    cfg.default_hooks.training_pictures = dict(
        type='SeSAMVisualizationHook', interval=9, num_images=1
    )
    path = tmp_path / 'config.py'
    cfg.dump(path)
    return path


@pytest.mark.skipif(
    not mmseg.__version__.startswith('1.2.'),
    reason='onedl-mmengine takes no mean of four channels',
)
def test_bands_of_16_bits_from_annotations_to_report(
    run_here, config: Path, folder: Path, tmp_path: Path
) -> None:
    def run(*words: object) -> str:
        done = run_here(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    weak = folder / 'weak'
    run(
        *('convert_annotations.py', 'labelme', folder / 'images', weak),
        *('--classes', 'a', 'b', 'c'),
    )
    with Image.open(weak / '0.png') as label:
        assert label.size == SIZE[::-1]
    run('validate_dataset.py', config, '--jobs', 1)
    run('train.py', config)
    run('browse_dataset.py', config, tmp_path / 'pictures', '--number', 1)
    run(
        *('explain_image.py', folder / 'images/0.tif', weak / '0.png'),
        *('--config', config, '--out', tmp_path / 'why.png'),
    )
    run('report.py', tmp_path / 'run', '--jobs', 1)
    run(
        *('predict.py', config, tmp_path / 'run/iter_3.pth'),
        *(folder / 'images', tmp_path / 'predicted', '--jobs', 1),
    )

    store = PseudoLabelStore(tmp_path / 'run/pseudo_labels')
    with Image.open(folder / 'dense/0.png') as label:
        dense = np.array(label)
    made = store.read('images/0', 0, LABELS)
    assert (made == dense)[made != 255].mean() > 0.9
    assert np.mean(made != 255) > 0.9
    shown = RunImages(read_run(tmp_path / 'run'))[0].image
    image = tifffile.imread(folder / 'images/0.tif')[..., [3, 1, 0]]
    expected = (image / 6000).clip(0, 1) * 255
    np.testing.assert_allclose(shown, expected, atol=0.51)
    assert '"prediction"' in (tmp_path / 'run/report.html').read_text()
    pictures = (tmp_path / 'run').rglob('vis_image/*.png')
    assert len(list(pictures)) == 2
    path = tmp_path / 'predicted/labels/0.png'
    painted = paint_label(shown, read_label(path), read_palette(path))
    with Image.open(tmp_path / 'predicted/overlays/0.jpg') as overlay:
        # JPEG may change values a little.
        assert np.abs(np.array(overlay).astype(int) - painted).mean() < 6


def test_sample_pixels_shows_bands_by_the_view_of_a_config(
    run_here, config: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'pixels'
    words = ('sample_pixels.py', 'draw', folder / 'images', out)
    options = ('--number', 6, '--classes', 'a', 'b', 'c')

    done = run_here(*words, *options)
    assert done.returncode == 1
    assert 'it is a TIFF file of more than 8 bits' in done.stdout
    assert 'give --config of a training with LoadRGBView' in done.stdout

    done = run_here(*words, *options, '--config', config)
    assert done.returncode == 0, done.stdout
    text = (out / 'page.html').read_text(encoding='utf-8')
    content = json.loads(re.search(r'const content = (.*);\n', text)[1])
    view = base64.b64decode(content['images'][0]['view'].split(',')[1])
    with Image.open(BytesIO(view)) as image:
        shown = np.array(image)
    expected = tifffile.imread(folder / 'images/0.tif')[..., [3, 1, 0]]
    expected = (expected / 6000).clip(0, 1) * 255
    # JPEG may change values a little.
    assert np.abs(shown - expected).mean() < 6


def test_validate_dataset_names_bands_that_cannot_be_shown(
    run_here, config: Path, folder: Path
) -> None:
    (folder / 'weak').mkdir()
    for index in range(3):
        label = np.full(SIZE, 255, np.uint8)
        label[20:30, 20] = 1
        Image.fromarray(label).save(folder / f'weak/{index}.png')
    # Bands one after the other.
    planes = np.ones((4, *SIZE), np.uint16)
    tifffile.imwrite(folder / 'images/0.tif', planes, photometric='minisblack')
    image = np.ones((*SIZE, 3), np.uint16)
    tifffile.imwrite(folder / 'images/1.tif', image)
    tifffile.imwrite(
        folder / 'images/2.tif', np.ones((*SIZE[::-1], 4), np.uint16)
    )
    done = run_here('validate_dataset.py', config, '--jobs', 1)
    assert done.returncode == 1
    assert '1.tif is loaded with 3 channels, expected more than' in done.stdout
    assert '0.png: 48 x 40, image 40 x 4' in done.stdout
    assert '2.png: 48 x 40, image 40 x 48' in done.stdout
