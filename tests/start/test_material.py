"""Gathering images and labels."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from labelme_photos import outlines, strokes, write_photo
from warm_processes import run_warm

from mmseg_sesam.annotations.export import export
from mmseg_sesam.start.show import plan_text


def suggest(*names: str) -> Path:
    """Writes LabelMe files of photos as tools/suggest.py does."""
    images = [Path(f'photos/{name}.jpg') for name in names]
    labels = [np.eye(72, 96, dtype=np.uint8) for _ in names]
    options = dict(classes=['background', 'cat', 'dog'], root=Path('photos'))
    export(images, labels, Path('corrected'), 'labelme', **options)
    return Path('corrected')


def change(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **changes)))


def test_gather_leaves_out_suggested_labels_that_nobody_changed(
    plan_photos,
) -> None:
    folder = suggest('1', '2', '3')
    # LabelMe writes numbers and entries differently when it saves a file.
    shapes = json.loads((folder / '1.json').read_text())['shapes']
    for shape in shapes:
        shape['points'] = [[float(x), float(y)] for x, y in shape['points']]
        shape.pop('description')
    change(folder / '1.json', shapes=shapes, imageData='')
    shapes[0]['points'][0][0] += 5
    change(folder / '2.json', shapes=shapes)
    change(folder / '3.json', shapes=[])

    start = plan_photos(corrected=(folder,))

    sets = start.sets
    assert [part.labelled for part in sets.corrected] == [['2']]
    assert sets.emptied == ('3',)
    assert sets.train.labelled == ['0', '1', '4']
    assert not Path('out/corrected_1/1.png').exists()
    text = plan_text(start)
    assert 'Left out of --corrected, as nobody changed a shape: 1' in text


def test_gather_takes_corrections_that_remove_labels_only(
    plan_photos,
) -> None:
    folder = suggest('1')
    change(folder / '1.json', shapes=[])

    sets = plan_photos(corrected=(folder,)).sets

    assert (sets.corrected, sets.emptied) == ((), ('1',))
    assert sets.train.unlabelled == ['1']


def box() -> list[dict]:
    points = [[10, 10], [60, 60]]
    return [dict(label='cat', points=points, shape_type='rectangle')]


def test_gather_refuses_corrections_whose_shapes_label_nothing(
    plan_photos,
) -> None:
    folder = suggest('1', '2')
    change(folder / '1.json', shapes=box())

    with pytest.raises(
        ValueError, match='not one labelled pixel.*see --boxes'
    ):
        plan_photos(corrected=(folder,))


def test_gather_notes_shapes_of_corrections_that_a_later_one_replaces(
    plan_photos,
) -> None:
    first = suggest('1', '2').rename('first')
    second = suggest('1')
    for path in (first / '1.json', second / '1.json'):
        change(path, exported_shapes='')
    change(first / '2.json', shapes=box())

    start = plan_photos(corrected=(first, second))

    assert [part.labelled for part in start.sets.corrected] == [['1']]
    text = plan_text(start)
    assert 'Notes on' in text and 'x rectangle, which is no outline' in text


def test_gather_finds_no_error_in_suggested_labels_that_nobody_changed(
    plan_photos,
) -> None:
    folder = suggest('1', '2')
    for path in Path('photos').glob('*.json'):
        path.write_text(path.read_text().replace('"cat"', '"kitten"'))
    for path in Path('photos').glob('1.*'):
        path.unlink()

    sets = plan_photos(corrected=(folder,)).sets

    assert sets.train.classes == ('background', 'dog', 'kitten')
    assert (sets.corrected, sets.unchanged) == ((), ('2',))


def test_gather_renews_labels_after_everyday_changes(plan_photos) -> None:
    misspelt = Path('photos/1.json')
    misspelt.write_text(misspelt.read_text().replace('"cat"', '"cta"'))
    first = suggest('1', '2')
    for name in '12':
        change(first / f'{name}.json', exported_shapes='')
    second = first.rename('second')
    first = suggest('3')
    change(first / '3.json', exported_shapes='')
    plan_photos(corrected=(first, second), classes=())
    # Spelt right, a photo taken away, one correction less, another order.
    misspelt.write_text(misspelt.read_text().replace('"cta"', '"cat"'))
    for path in Path('photos').glob('4.*'):
        path.unlink()
    (second / '2.json').unlink()

    sets = plan_photos(corrected=(second, first)).sets

    assert sets.train.classes == ('background', 'cat', 'dog')
    assert sets.train.labelled == ['0', '2']
    assert [part.labelled for part in sets.corrected] == [['1'], ['3']]


@pytest.mark.parametrize(
    'ending, remedy',
    [('.JPG', 'rename'), ('.jpeg', 'rename'), ('.png', 'convert')],
)
def test_gather_names_photos_of_a_rare_ending(
    plan_photos, ending: str, remedy: str
) -> None:
    Path('photos/0.jpg').rename(f'photos/0{ending}')

    with pytest.raises(ValueError) as error:
        plan_photos()

    assert str(error.value).startswith(f'photos/0{ending}: 1 labelled images')
    assert f'expected .jpg; {remedy} them to .jpg' in str(error.value)
    assert not Path('out').exists()


def test_gather_leaves_out_photos_of_a_rare_ending_without_a_shape(
    plan_photos,
) -> None:
    # A person opened and saved four of five photos.
    for name in '0123':
        change(Path(f'photos/{name}.json'), shapes=[])
        Path(f'photos/{name}.jpg').rename(f'photos/{name}.png')

    train = plan_photos().sets.train

    assert (train.suffix, train.labelled) == ('.jpg', ['4'])
    assert not train.unlabelled
    assert [path.name for path in train.left_out] == [
        f'{name}.png' for name in '0123'
    ]


@pytest.mark.parametrize('name', ['5 ', ' 5'])
@pytest.mark.parametrize('draw', [strokes, None])
def test_gather_refuses_names_that_lists_lose(
    plan_photos, name: str, draw: Callable | None
) -> None:
    write_photo(Path(f'photos/{name}.jpg'), np.random.default_rng(0), draw)

    with pytest.raises(ValueError, match=f"'{name}' .*ends with a space"):
        plan_photos()

    assert not Path('out').exists()


def test_gather_refuses_a_correction_of_no_image(plan_photos) -> None:
    Path('photos/reef').mkdir()
    for path in Path('photos').glob('3.*'):
        path.rename(Path('photos/reef', path.name))
    folder = suggest('1', 'reef/3')
    # LabelMe writes the file of photos/reef/3.jpg there.
    (folder / 'reef/3.json').rename(folder / '3.json')
    change(folder / '3.json', exported_shapes='')

    with pytest.raises(ValueError, match='move it to corrected/reef/3.json'):
        plan_photos(corrected=(folder,))


def test_typed_commands_give_the_labels_of_a_plan(
    plan_photos, project_root: Path
) -> None:
    rng = np.random.default_rng(0)
    write_photo(Path('photos/my dog.jpg'), rng, strokes)
    write_photo(Path('val/5.jpg'), rng, outlines)
    change(Path('photos/4.json'), shapes=[])
    first = suggest('1', '2', '3', 'my dog').rename('first')
    second = suggest('my dog')
    change(first / '2.json', exported_shapes='')
    change(first / '3.json', shapes=[])
    for folder in (first, second):
        change(folder / 'my dog.json', exported_shapes='')
    start = plan_photos(corrected=(first, second), val=Path('val'))
    planned = {path: path.read_bytes() for path in Path('out').rglob('*.png')}
    for folder in {path.parent for path in planned}:
        shutil.rmtree(folder)

    *commands, _, _, _ = map(shlex.split, start.commands)
    for program, *words in commands:
        if program == 'rm':
            subprocess.run([program, *words], check=True)
        else:
            tool, *options = words
            done = run_warm(project_root / tool, *options, '--jobs', 1)
            assert done.returncode == 0, done.stdout

    assert sorted(map(str, planned)) == [
        *('out/corrected_1/2.png', 'out/corrected_2/my dog.png'),
        *('out/labels/0.png', 'out/labels/1.png', 'out/val_labels/5.png'),
    ]
    assert planned == {
        path: path.read_bytes() for path in Path('out').rglob('*.png')
    }
    assert [program for program, *_ in commands].count('rm') == 1


def test_plan_without_lost_labels_removes_none(plan_photos) -> None:
    assert not any(c.startswith('rm') for c in plan_photos().commands)
