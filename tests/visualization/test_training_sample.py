"""Views and label maps of a training sample."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
from mixed import mix
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.io.labels import read_label, write_label
from mmseg_sesam.store.store import PseudoLabelStore
from mmseg_sesam.visualization.training_sample import draw_views

PALETTE = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_draw_views_draws_every_map(
    make_config: Callable[..., Config], scribbles: Path, tmp_path: Path
) -> None:
    init_default_scope('mmseg')
    dataset = DATASETS.build(make_config().train_dataloader.dataset)
    store = PseudoLabelStore(tmp_path / 'pseudo')
    attach_store(dataset, store, str(scribbles))

    views = draw_views(dataset[0], PALETTE)

    assert [title.split(',')[0] for title in views] == [
        'student’s view',
        'teacher’s view',
        'label',
        'pseudo-label (no round yet)',
    ]
    assert all(v.shape == (32, 32, 3) for v in views.values())

    folder = tmp_path / 'pseudo/round_0000/labels/images/deep'
    folder.mkdir(parents=True)
    for index in range(3):
        name = f'{index}.png'
        write_label(folder / name, np.full((40, 48), 1, np.uint8))
        # The pseudo-label keeps the weak one.
        weak = scribbles / 'weak/deep' / name
        write_label(weak, np.where(read_label(weak) == 1, 1, 255).astype('u1'))
    (tmp_path / 'pseudo/CURRENT').write_text('0')
    packed = dataset[0]
    views = draw_views(packed, PALETTE)

    assert 'pseudo-label of round 0, 100%' in views
    painted = views['pseudo-label of round 0, 100%'].astype(int)
    assert (painted[..., 1] > 160).all()
    # Pictures are RGB, the pipeline packs BGR.
    teacher = packed['inputs']['teacher'].numpy()
    assert (views['teacher’s view'][..., 0] == teacher[2]).all()


def test_draw_views_names_the_kind_of_label(
    make_config: Callable[..., Config],
) -> None:
    init_default_scope('mmseg')
    dataset = DATASETS.build(mix(make_config()).train_dataloader.dataset)
    titles = [[*draw_views(dataset[place], PALETTE)][2] for place in range(3)]
    assert titles[0] == 'dense label, 100%'
    assert titles[1].startswith('scribble label, ')
    assert titles[2] == 'unlabelled, 0%'
