"""The training images of a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from PIL import Image

from mmseg_sesam.report.images import RunImages
from mmseg_sesam.report.run import read_run


def test_training_images_read_dense_labels_like_the_data_set(
    work_dir: Path, amend: Callable[[str], None], scribbles: Path
) -> None:
    expected = [
        image.truth
        for image in map(
            RunImages(read_run(work_dir), scribbles / 'dense').__getitem__,
            range(3),
        )
    ]
    for path in scribbles.glob('dense/deep/*.png'):
        ids = np.array(Image.open(path)) + np.uint8(1)
        Image.fromarray(ids).save(path)
    for path in scribbles.glob('weak/deep/*.png'):
        ids = np.array(Image.open(path)) + np.uint8(1)
        Image.fromarray(ids).save(path)
    amend("train_dataloader['dataset']['reduce_zero_label'] = True")

    images = RunImages(read_run(work_dir), scribbles / 'dense')
    for index, truth in enumerate(expected):
        assert (images[index].truth == truth).all()
        assert set(np.unique(images[index].weak)) == {0, 1, 2, 255}


def test_training_images_read_dense_labels_by_the_map_of_their_data_set(
    work_dir: Path, amend: Callable[[str], None], scribbles: Path
) -> None:
    # Images 1 and 2 have their classes in the opposite order.
    amend("""part = train_dataloader['dataset']
train_dataloader['dataset'] = dict(
    type='ConcatDataset',
    ignore_keys=['label_map', 'reduce_zero_label'],
    datasets=[
        dict(part, indices=[0]),
        dict(
            part,
            indices=[1, 2],
            type='MappedSegDataset',
            file_classes=['c', 'b', 'a'],
        ),
    ],
)
del part""")
    images = RunImages(read_run(work_dir), scribbles / 'dense')
    for index, path in enumerate(sorted(scribbles.glob('dense/deep/*.png'))):
        ids = np.array(Image.open(path))
        truth = ids if index == 0 else 2 - ids
        assert (images[index].truth == truth).all()


def test_training_images_names_missing_files(
    work_dir: Path, scribbles: Path
) -> None:
    run = read_run(work_dir)
    with pytest.raises(FileNotFoundError, match='holds no label for'):
        RunImages(run, work_dir)
    shutil.rmtree(scribbles)
    with pytest.raises(FileNotFoundError, match='where the training was'):
        RunImages(run)


def test_training_images_of_moved_folder_name_old_path_and_remedy(
    work_dir: Path, scribbles: Path
) -> None:
    moved = scribbles.rename(scribbles.with_name('moved'))
    with pytest.raises(FileNotFoundError) as raised:
        RunImages(read_run(work_dir))
    said = str(raised.value)
    assert str(scribbles) in said and 'link its old path' in said
    assert str(Path.cwd()) not in said

    scribbles.symlink_to(moved)
    assert len(RunImages(read_run(work_dir))) == 3
