"""Labels that tools/start.py takes for the validation."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from labelme_photos import draw_photos, outlines, strokes, write_photo
from mmengine.config import Config
from PIL import Image
from start_plans import plan

from mmseg_sesam.annotations import convert
from mmseg_sesam.annotations.readers.labelme import LabelmeReader
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.start.show import plan_text
from mmseg_sesam.start.start import Request


def test_prepare_takes_dense_photos_for_validation(
    request_of_photos: Request,
) -> None:
    rng = np.random.default_rng(1)
    for number in (20, 21):
        write_photo(Path(f'val/{number}.jpg'), rng, outlines)

    sets = plan(request_of_photos, val=Path('val')).sets

    assert (sets.val.labelled, sets.proxy) == (['20', '21'], False)
    assert sets.measured.startswith('mIoU on 2 images')
    truth = read_label(sets.val.labels / '20.png')
    assert set(np.unique(truth)) == {0, 1, 2}
    cfg = Config.fromfile('out/out.py')
    metrics = [metric.type for metric in cfg.val_evaluator]
    assert metrics == ['IoUMetric', 'BoundaryIoU']
    assert cfg.default_hooks.checkpoint.save_best == 'mIoU'


def test_prepare_measures_a_proxy_on_strokes_for_validation(
    request_of_photos: Request,
) -> None:
    write_photo(Path('val/20.jpg'), np.random.default_rng(1), strokes)

    sets = plan(request_of_photos, val=Path('val')).sets

    assert sets.proxy and sets.measured.startswith('VAL PROXY')
    assert 255 in read_label(sets.val.labels / '20.png')
    cfg = Config.fromfile('out/out.py')
    assert cfg.default_hooks.checkpoint.save_best == 'proxyMeanAcc'


def test_prepare_refuses_strokes_among_areas_for_validation(
    request_of_photos: Request,
) -> None:
    rng = np.random.default_rng(1)
    for number, draw in ((20, outlines), (21, strokes), (22, outlines)):
        write_photo(Path(f'val/{number}.jpg'), rng, draw)

    with pytest.raises(ValueError, match='^val/21.json: 1 of 3 images'):
        plan(request_of_photos, val=Path('val'))

    assert not Path('out/val_labels').exists()


def test_prepare_takes_a_stroke_beside_areas_for_validation(
    request_of_photos: Request,
) -> None:
    def draw(borders: np.ndarray) -> list[dict]:
        return [*outlines(borders), strokes(borders)[0]]

    write_photo(Path('val/20.jpg'), np.random.default_rng(1), draw)

    start = plan(request_of_photos, val=Path('val'))

    # A stroke of the background, as which the rest counts anyway.
    assert not start.sets.proxy and not start.sets.val.warning


def brushed(shape: dict) -> dict:
    """A stroke as the mask that a brush paints."""
    (column, top), (_, bottom) = shape['points']
    mask = Image.fromarray(np.full((int(bottom - top) + 1, 3), 255, np.uint8))
    file = BytesIO()
    mask.save(file, 'PNG')
    return dict(
        shape,
        shape_type='mask',
        points=[[column - 1, top], [column + 1, bottom]],
        mask=base64.b64encode(file.getvalue()).decode(),
    )


@pytest.mark.parametrize(
    'draw',
    [
        pytest.param(lambda b: [*outlines(b), strokes(b)[1]], id='lines'),
        pytest.param(lambda b: [*map(brushed, strokes(b))], id='brush'),
    ],
)
def test_prepare_warns_of_strokes_among_areas_for_validation(
    request_of_photos: Request, draw: Callable[[np.ndarray], list[dict]]
) -> None:
    rng = np.random.default_rng(1)
    for number, drawn in ((20, outlines), (21, draw), (22, outlines)):
        write_photo(Path(f'val/{number}.jpg'), rng, drawn)

    start = plan(request_of_photos, val=Path('val'))

    assert start.sets.measured.startswith('mIoU on 3 images')
    said = 'Warning: val/21.json: 1 of 3 images for validation have lines'
    assert said in plan_text(start)
    assert 255 not in read_label(start.sets.val.labels / '21.png')


def test_prepare_takes_brush_strokes_alone_for_a_proxy(
    request_of_photos: Request,
) -> None:
    write_photo(
        Path('val/20.jpg'),
        np.random.default_rng(1),
        lambda borders: [*map(brushed, strokes(borders))],
    )

    sets = plan(request_of_photos, val=Path('val')).sets

    assert sets.proxy and not sets.val.warning


def test_prepare_takes_val_label_images_of_training_photos(
    request_of_photos: Request,
) -> None:
    folder = draw_photos('drawn', '01', '04')
    options = dict(classes=('background', 'cat', 'dog'))
    reader = LabelmeReader(folder, undrawn='background', **options)
    convert(reader, Path('val'))

    with pytest.raises(ValueError, match='background, cat, dog, expected the'):
        plan(
            request_of_photos,
            val=Path('val'),
            classes=('background', 'dog', 'cat'),
        )
    sets = plan(request_of_photos, val=Path('val'), out=Path('out2')).sets

    assert (sets.val.labelled, sets.val.suffix) == (['01', '04'], '.jpg')
    assert sets.val.images == Path('photos')
    assert not {'01', '04'} & {*sets.names}


@pytest.mark.parametrize('of_training', ['auto', 'labelme'])
@pytest.mark.parametrize('src', ['val', 'val/annotations.xml'])
def test_prepare_takes_val_photos_beside_one_file(
    request_of_photos: Request, src: str, of_training: str
) -> None:
    write_photo(Path('val/20.jpg'), np.random.default_rng(1), None)
    Path('val/annotations.xml').write_text(
        '<annotations><image name="20.jpg" width="96" height="72"><polygon '
        'label="cat" points="9,9;50,9;50,60" z_order="0"/></image>'
        '</annotations>'
    )

    sets = plan(request_of_photos, val=Path(src), format=of_training).sets

    assert (sets.val.images, sets.val.labelled) == (Path('val'), ['20'])
    assert len(sets.train.labelled) == 10


def test_prepare_does_not_train_on_validation_photos_among_the_images(
    request_of_photos: Request,
) -> None:
    rng = np.random.default_rng(1)
    write_photo(Path('photos/val/20.jpg'), rng, outlines)
    write_photo(Path('photos/val/21.jpg'), rng, None)

    sets = plan(request_of_photos, val=Path('photos/val')).sets

    assert sets.val.labelled == ['20']
    assert len(sets.names) == 13
    assert not [name for name in sets.names if name.startswith('val')]


def test_prepare_warns_of_val_images_that_nobody_annotated(
    request_of_photos: Request,
) -> None:
    for number in (20, 21, 22):
        write_photo(Path(f'val/{number}.jpg'), np.random.default_rng(1), None)
    cat, ignored = (
        f'<polygon label="{label}" points="9,9;50,9;50,60" z_order="0"/>'
        for label in ('cat', '__ignore__')
    )
    images = ''.join(
        f'<image name="{number}.jpg" width="96" height="72">{drawn}</image>'
        for number, drawn in ((20, cat), (21, ''), (22, ignored))
    )
    Path('val/annotations.xml').write_text(
        f'<annotations>{images}</annotations>'
    )

    start = plan(request_of_photos, val=Path('val'))

    said = 'annotations.xml: 21.jpg: 1 of 3 images for validation have no'
    assert said in start.sets.val.warning
    assert 'out of --val' in plan_text(start)
