"""Second calls into the same folder."""

from __future__ import annotations

import json
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATA_SAMPLERS, DATASETS

from mmseg_sesam.datasets.label_kinds import image_kinds
from mmseg_sesam.io.labels import read_label, write_label


def rename(old: str, new: str) -> None:
    """Renames a class in the annotations of all photos."""
    for path in Path('photos').glob('*.json'):
        path.write_text(path.read_text().replace(f'"{old}"', f'"{new}"'))


def test_prepare_leaves_no_config_of_other_classes_than_the_labels(
    plan_photos,
) -> None:
    config = plan_photos().config
    rename('cat', 'kitten')
    Path('photos/4.json').write_text('{')

    with pytest.raises(ValueError, match='4.json'):
        plan_photos(classes=('background', 'dog', 'kitten'))

    # Strokes from left to right: background, kitten, dog.
    row = read_label(Path('out/labels/1.png'))[30]
    assert [*dict.fromkeys(row[row != 255].tolist())] == [0, 2, 1]
    assert not config.exists() and not Path('out/train.txt').exists()


def test_prepare_keeps_its_config_if_an_annotation_is_damaged(
    plan_photos,
) -> None:
    config = plan_photos().config
    Path('photos/4.json').write_text('{')

    with pytest.raises(ValueError, match='4.json'):
        plan_photos(classes=('background', 'cat', 'dog'))

    assert Config.fromfile(config).num_classes == 3


def test_prepare_writes_behind_a_link(plan_photos, project_root: Path) -> None:
    # Both paths of the runs share folders with the path of the bases.
    bases = Path('code/configs/_base_')
    shutil.copytree(project_root / bases.relative_to('code'), bases)
    Path('disk/of/runs').mkdir(parents=True)
    Path('code/runs').symlink_to('../disk/of/runs')

    config = plan_photos(bases=bases, out=Path('code/runs/pets')).config

    for path in (config, Path('disk/of/runs/pets', config.name)):
        assert Config.fromfile(path).num_classes == 3


def test_prepare_draws_a_quarter_without_labels_at_most(plan_photos) -> None:
    loader = Config.fromfile(plan_photos().config).train_dataloader
    assert loader.sampler.type == 'InfiniteSampler'
    for name in '234':
        Path(f'photos/{name}.json').unlink()

    loader = Config.fromfile(plan_photos().config).train_dataloader

    assert loader.sampler.ratio == dict(scribble=3, none=1)
    init_default_scope('mmseg')
    dataset = DATASETS.build(loader.dataset)
    sampler = DATA_SAMPLERS.build(dict(loader.sampler, dataset=dataset))
    kinds = image_kinds(dataset)
    drawn = [kinds[place] for place in islice(sampler, 8)]
    assert drawn.count('none') == 2


def test_prepare_keeps_a_label_painted_over_an_empty_annotation(
    plan_photos,
) -> None:
    record = json.loads(Path('photos/3.json').read_text())
    Path('photos/3.json').write_text(json.dumps(dict(record, shapes=[])))
    assert plan_photos().sets.train.unlabelled == ['3']
    painted = Path('out/labels/3.png')
    label = np.full((72, 96), 255, np.uint8)
    label[9:20, 9:20] = 1
    write_label(painted, label)
    before = painted.read_bytes()

    for _ in range(2):
        train = plan_photos().sets.train

        assert painted.read_bytes() == before
        assert train.labelled == ['0', '1', '2', '3', '4']
        assert not (train.unlabelled or train.taken_away)
