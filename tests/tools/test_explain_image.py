"""Explaining an image from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_explain_image_draws_one_picture(
    run_again, run_here, scribbles: Path, project_root: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    out = scribbles / 'why.png'
    words += ['--components', 2, '--out', out]

    done = run_again(project_root / 'tools/explain_image.py', *words)

    assert done.returncode == 0, done.stdout
    assert f'{out}: 3 components, 0 fell back' in done.stdout
    assert 'Not drawn: 1 of 3 components' in done.stdout
    picture = np.array(Image.open(out).convert('RGB'))
    assert picture.std() > 20
    before = out.read_bytes()
    done = run_here('explain_image.py', *words)
    assert done.returncode == 2
    assert f'{out} is there already' in done.stdout
    assert out.read_bytes() == before


def test_explain_image_rejects_a_config_without_a_generator(
    run_here, scribbles: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    config = scribbles / 'empty.py'
    config.write_text('')
    done = run_here(
        *('explain_image.py', *words),
        *('--config', config, '--out', scribbles / 'why.png'),
    )
    assert done.returncode == 1
    assert f'explain_image: {config} has no SAMPseudoLabelHook' in done.stdout
    assert not (scribbles / 'why.png').exists()


def test_explain_image_reads_images_as_training_does(
    run_here, scribbles: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    image = np.array(Image.open(words[0]).convert('L'))
    deep = image.astype(np.uint16) * 256
    for number, (values, kind, code, said) in enumerate(
        (
            (image, 'PNG', 0, '3 components'),
            (deep, 'PNG', 0, '3 components'),
            (deep, 'TIFF', 1, 'it is a TIFF file of more than 8 bits'),
        )
    ):
        Image.fromarray(values).save(words[0], kind)
        out = scribbles / f'{number}.png'
        done = run_here('explain_image.py', *words, '--out', out)
        assert done.returncode == code and said in done.stdout


def test_explain_image_reads_the_label_as_the_training_set_does(
    run_here, make_config, scribbles: Path, tmp_path: Path
) -> None:
    image, weak = (
        scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')
    )
    ids = np.array(Image.open(weak))
    # 255 + 1 is 0 in 8 bits.
    Image.fromarray(ids + np.uint8(1)).save(weak)
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    other = dict(dataset, data_prefix=dict(seg_map_path='dense'))
    dataset.reduce_zero_label = True
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ConcatDataset', datasets=[other, dataset]),
    )
    cfg.dump(tmp_path / 'config.py')

    done = run_here(
        *('explain_image.py', image, weak, '--components', 2),
        *('--config', tmp_path / 'config.py', '--out', tmp_path / 'why.png'),
    )

    assert done.returncode == 0, done.stdout
    assert 'Not drawn: 1 of 3 components' in done.stdout
    assert done.stdout.split('1 of class ')[1][:2] in ('a.', 'b.', 'c.')
    # Files hold ids up to 3.
    Image.fromarray(ids + np.uint8(2)).save(weak)
    done = run_here(
        *('explain_image.py', image, weak, '--out', tmp_path / 'again.png'),
        *('--config', tmp_path / 'config.py'),
    )
    assert done.returncode == 1
    assert f'{weak} holds the class ids [3], expected ids' in done.stdout


def test_explain_image_simulates_the_label_as_training_does(
    run_here, make_config, scribbles: Path, tmp_path: Path
) -> None:
    image, dense = (
        scribbles / f'{kind}/deep/0.png' for kind in ('images', 'dense')
    )
    ids = np.array(Image.open(dense))
    Image.fromarray(ids + np.uint8(1)).save(dense)
    cfg = make_config()
    dataset = cfg.train_dataloader.dataset
    dataset.update(reduce_zero_label=True, pipeline=dataset.pipeline[:2])
    dataset.data_prefix = dict(img_path='images', seg_map_path='dense')
    simulate = dict(type='SimulateWeakLabel', kind='point', dot_radius=0)
    cache = tmp_path / 'cache'
    simulate.update(data_root=str(scribbles), cache_dir=str(cache))
    simulated = dict(dataset, pipeline=[*dataset.pipeline, simulate])
    # Image 0 is in the second data set.
    parts = [dict(dataset, indices=[1, 2]), dict(simulated, indices=[0])]
    joined = dict(type='ConcatDataset', datasets=parts)
    cfg.train_dataloader.dataset = joined
    cfg.dump(tmp_path / 'config.py')

    def explain(label: Path, out: str) -> str:
        done = run_here(
            *('explain_image.py', image, label, '--components', 0),
            *('--config', tmp_path / 'config.py', '--out', tmp_path / out),
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.replace(out, '')

    said = explain(dense, 'dense.png')
    assert 'is simulated from the dense one' in said
    (cached,) = cache.rglob('*.png')
    weak = np.array(Image.open(cached))
    assert sorted(weak[weak != 255]) == [0, 1, 2]
    again = explain(cached, 'cached.png')
    assert 'simulated' not in again
    assert again.splitlines()[-1] == said.splitlines()[-1]
    assert (tmp_path / 'cached.png').read_bytes() == (
        tmp_path / 'dense.png'
    ).read_bytes()


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--out', 'why'), 'why is no name of a PNG'),
        (('--out', 'why.txt'), 'why.txt is no name of a PNG'),
        (('--components', '-1'), '-1 is no number of rows'),
    ],
)
def test_explain_image_refuses_arguments(
    refusal, scribbles: Path, words: tuple[str, str], said: str
) -> None:
    files = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    assert said in refusal('explain_image.py', *files, *words)


def test_explain_image_names_what_cannot_be_built(
    run_here, scribbles: Path
) -> None:
    words = [scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')]
    config = scribbles / 'base.py'
    config.write_text(
        "generator = dict(type='PseudoLabelGenerator', "
        "segmenter=dict(type='NoSuchSegmenter'))"
    )
    done = run_here(
        *('explain_image.py', *words),
        *('--config', config, '--out', scribbles / 'why.png'),
    )
    assert done.returncode == 1
    assert f'explain_image: {config} has a generator that' in done.stdout


def test_explain_image_rejects_a_label_of_another_image(
    run_here, scribbles: Path
) -> None:
    image, weak = (
        scribbles / f'{kind}/deep/0.png' for kind in ('images', 'weak')
    )
    Image.new('L', (10, 20), 255).save(weak)
    out = scribbles / 'why.png'
    done = run_here('explain_image.py', image, weak, '--out', out)
    assert done.returncode == 1
    assert 'its label (20, 10) ' in done.stdout
    assert 'expected one size; give the label of this image' in done.stdout
