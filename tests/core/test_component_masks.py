"""Masks that are kept from round to round, on disk."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg_sesam.core.component_masks import (
    StoredMask,
    component_name,
    load_masks,
    save_masks,
)
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.prompts import PointPrompt, SkeletonPrompter

PROPERTY = settings(max_examples=30, deadline=None, derandomize=True)
MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


@PROPERTY
@given(st.lists(MASKS.filter(np.any), max_size=5))
def test_masks_are_read_as_they_were_written(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp('masks') / 'a.npz'
    masks = {
        f'{index:040d}': StoredMask.of_mask(mask, [[index, 2], [0, 1]], 0.5)
        for index, mask in enumerate(drawn)
    }
    masks['f' * 40] = StoredMask()
    save_masks(path, masks)
    read = load_masks(path)
    assert list(read) == list(masks)
    for mask, (name, kept) in zip(drawn, read.items()):
        assert kept.chosen == masks[name].chosen
        assert kept.predicted_iou == 0.5
        assert (kept.draw(mask.shape) == mask).all()
    assert read['f' * 40].chosen == []


def test_a_kept_mask_does_not_keep_the_image_sized_one_alive():
    mask = np.zeros((1024, 2048), bool)
    mask[7:10, 5:9] = True
    kept = StoredMask.of_mask(mask, [[0, 0]], 1.0)
    assert kept.bbox == (7, 5, 10, 9)
    assert kept.crop.shape == (3, 4) and kept.crop.base is None


def test_a_damaged_file_holds_no_masks(tmp_path):
    path = tmp_path / 'a.npz'
    assert load_masks(path) == {}
    save_masks(
        path, {'0' * 40: StoredMask.of_mask(np.eye(9) > 0, [[0, 0]], 1)}
    )
    content = path.read_bytes()
    for damaged in (b'', content[: len(content) // 2], b'x' * len(content)):
        path.write_bytes(damaged)
        assert load_masks(path) == {}


def test_a_name_tells_class_pixels_and_prompts():
    label = np.full((9, 9), 255, np.uint8)
    label[2, 2:7] = 1
    (component,) = find_components(label)
    (prompts,) = SkeletonPrompter()([component])
    name = component_name(component, prompts)
    (again,) = find_components(label.copy())
    assert component_name(again, prompts) == name

    def name_of(label):
        (other,) = find_components(label)
        return component_name(other, prompts)

    longer = label.copy()
    longer[2, 7] = 1
    others = [np.roll(label, 1), np.where(label == 1, 2, label), longer]
    moved = PointPrompt(prompts[0].points + 1, prompts[0].labels)
    names = {name, component_name(component, [moved]), *map(name_of, others)}
    assert len(names) == 5
