"""Making a submission from the command line."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image

from mmseg_sesam.evaluation.submission import (
    SERVERS,
    find_images,
    write_archive,
)


@pytest.fixture
def network(tiny_config: Path) -> tuple[Path, Path]:
    """A config and a checkpoint, of two classes."""
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(tiny_config).model)
    path = tiny_config.parent / 'network.pth'
    torch.save(dict(meta={}, state_dict=model.state_dict()), path)
    return tiny_config, path


def test_make_submission_with_a_network(
    run_again, network: tuple[Path, Path], tmp_path: Path, project_root: Path
) -> None:
    images = tmp_path / 'test'
    images.mkdir()
    for index in range(2):
        source = tmp_path / 'images' / f'{index}.jpg'
        source.rename(images / f'2008_00000{index}.jpg')
    # As VOC's folder holds images of other tasks.
    shutil.copy(source.with_name('2.jpg'), images / '2009_000001.jpg')
    names = tmp_path / 'test.txt'
    names.write_text('2008_000000\n2008_000001\n')
    out = tmp_path / 'out.tar.gz'

    done = run_again(
        *(project_root / 'tools/make_submission.py', 'voc'),
        *(out, '--model', *network, '--images', images),
        *('--list', names),
    )

    assert f'{out}: 2 predictions' in done.stdout, done.stdout
    # All is well but for the other images of the test set.
    assert done.returncode == 1
    said = 'The server expects 1456 images, the archive holds 2.'
    assert done.stdout.strip().splitlines()[-1] == said
    folder = SERVERS['voc'].folder
    with tarfile.open(out) as archive:
        assert sorted(archive.getnames()) == [
            f'{folder}/2008_00000{index}.png' for index in range(2)
        ]


def test_make_submission_refuses_a_checkpoint_without_weights(
    run_here, network: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / 'images/0.jpg').rename(tmp_path / 'images/2008_000000.jpg')
    content = torch.load(network[1], weights_only=True)
    del content['state_dict']['decode_head.conv_seg.weight']
    torch.save(content, network[1])

    done = run_here(
        *('make_submission.py', 'voc', tmp_path / 'out.tar.gz', '--model'),
        *(*network, '--images', tmp_path / 'images'),
    )

    assert done.returncode == 1
    assert 'lacks 1 weights of the model' in done.stdout
    assert not (tmp_path / 'out.tar.gz').exists()


def test_make_submission_names_an_image_that_cannot_be_predicted(
    run_here,
    network: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr('mmseg_sesam.engine.predictor.score_bands', fail)
    (tmp_path / 'images/0.jpg').rename(tmp_path / 'images/2008_000000.jpg')
    done = run_here(
        *('make_submission.py', 'voc', tmp_path / 'out.tar.gz', '--model'),
        *(*network, '--images', tmp_path / 'images'),
    )
    assert done.returncode == 1
    assert '.jpg does not fit the memory of the GPU' in done.stdout


def test_write_archive_compares_sizes_of_images_of_many_bands(
    tmp_path: Path,
) -> None:
    image = tmp_path / '2008_000000.tif'
    values = np.zeros((5, 7, 4), np.uint16)
    tifffile.imwrite(image, values, photometric='rgb')
    server = SERVERS['voc']._replace(images=1)
    right, wrong = (
        [(image.stem, np.zeros(shape, np.uint8))] for shape in ((5, 7), (7, 5))
    )
    out = tmp_path / 'out.tar.gz'
    assert write_archive(right, server, out, [image]) == (1, [])
    with pytest.raises(ValueError, match='has 5 x 7 pixels'):
        write_archive(wrong, server, out, [image])


def test_make_submission_rejects_missing_or_repeated_images(
    tmp_path: Path,
) -> None:
    names, images = tmp_path / 'test.txt', tmp_path / 'images'
    images.mkdir()
    names.write_text('a\n')
    with pytest.raises(FileNotFoundError, match=r'holds no image a, which'):
        find_images(images, names)
    with pytest.raises(FileNotFoundError, match=r'holds no image at all'):
        find_images(images)
    empty = tmp_path / 'empty.txt'
    empty.write_text('\n')
    with pytest.raises(ValueError, match=r'empty\.txt lists no image'):
        find_images(images, empty)
    for name in ('a.jpeg', 'b.jpg', 'b.png'):
        (images / name).touch()
    assert find_images(images, names) == [images / 'a.jpeg']
    with pytest.raises(ValueError, match=r'b\.jpg and .*b\.png have one'):
        find_images(images)


def test_make_submission_rejects_other_arguments(
    refusal, tmp_path: Path
) -> None:
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / 'a.png')
    words = ['make_submission.py', 'voc']
    source = ['--predictions', tmp_path]
    assert 'no file name ending in .tar.gz' in refusal(
        *words, tmp_path / 'out.zip', *source
    )
    (tmp_path / 'out.tar.gz').write_text('mine')
    assert 'is there already' in refusal(
        *words, tmp_path / 'out.tar.gz', *source
    )
    assert '--model needs --images' in refusal(
        *words, tmp_path / 'new.tar.gz', '--model', __file__, __file__
    )
    assert 'argument --model: b is not a file' in refusal(
        *words, tmp_path / 'new.tar.gz', '--model', __file__, 'b'
    )
    assert '--first-id is for --predictions' in refusal(
        *words,
        tmp_path / 'new.tar.gz',
        '--model',
        __file__,
        __file__,
        '--images',
        tmp_path,
        '--first-id',
        1,
    )
    assert (tmp_path / 'out.tar.gz').read_text() == 'mine'
