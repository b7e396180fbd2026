from __future__ import annotations

from pathlib import Path

import pytest

from mmseg_sesam.start import segmenters
from mmseg_sesam.start.segmenters import pick_segmenter

FRAGMENTS = Path(__file__).resolve().parents[2] / 'configs/_base_/segmenters'


def test_pick_segmenter_takes_superpixels_without_weights(
    tmp_path: Path,
) -> None:
    found = pick_segmenter(FRAGMENTS, gpu_gib=24, root=tmp_path)
    assert found.value == 'superpixel'


@pytest.mark.parametrize(
    'gpu, name',
    [
        (24, 'sam_vit_h'),
        (5.6, 'sam_vit_b'),
        (3.6, 'superpixel'),
        (0, 'sam_vit_b'),
    ],
)
def test_pick_segmenter_takes_weights_that_suit_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: float, name: str
) -> None:
    monkeypatch.setattr(segmenters, 'find_spec', lambda package: object())
    (tmp_path / 'checkpoints').mkdir()
    sizes = {
        'sam_vit_h_4b8939': 2_564_550_879,
        'sam_vit_b_01ec64': 375_042_383,
    }
    for file, size in sizes.items():
        with Path(tmp_path, f'checkpoints/{file}.pth').open('wb') as weights:
            # A hole, which takes no space on the disk.
            weights.truncate(size)

    found = pick_segmenter(FRAGMENTS, gpu, tmp_path)

    assert found.value == name
    is_large = 0 < gpu < 24
    assert ('sam_vit_h_4b8939.pth needs 5.9 GiB' in found.reason) == is_large


def test_pick_segmenter_names_a_package_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmenters, 'find_spec', lambda package: None)
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints/sam_vit_b_01ec64.pth').touch()

    found = pick_segmenter(FRAGMENTS, gpu_gib=0, root=tmp_path)

    assert found.value == 'superpixel'
    assert 'segment_anything' in found.reason


def test_pick_segmenter_takes_whole_models_of_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmenters, 'find_spec', lambda package: object())
    # As a download without access leaves it.
    folder = tmp_path / 'checkpoints/sam3'
    (folder / '.cache').mkdir(parents=True)

    found = pick_segmenter(FRAGMENTS, gpu_gib=24, root=tmp_path)
    assert found.value == 'superpixel'
    assert 'checkpoints/sam3 lacks files' in found.reason

    (folder / 'config.json').write_text('{"model_type": "sam3_tracker"}')
    (folder / 'processor_config.json').write_text('{}')
    assert pick_segmenter(FRAGMENTS, 24, tmp_path).value == 'superpixel'

    (folder / 'model.safetensors').touch()
    assert pick_segmenter(FRAGMENTS, 24, tmp_path).value == 'sam3'
