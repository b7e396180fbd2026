"""Packing images, views and label maps for the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose


@pytest.fixture
def loaded() -> dict:
    """Results of the loading and geometric transforms."""
    rng = np.random.default_rng(0)
    pseudo = rng.integers(0, 3, (6, 8), dtype=np.uint8)
    return dict(
        img_path='a.jpg',
        img=rng.integers(0, 256, (6, 8, 3), dtype=np.uint8),
        img_shape=(6, 8),
        gt_seg_map=np.where(rng.random((6, 8)) < 0.5, pseudo, 255).astype(
            np.uint8
        ),
        pseudo_seg_map=pseudo,
        confident_seg_map=rng.integers(0, 3, (6, 8), dtype=np.uint8),
        pseudo_label_round=2,
        unrelated=1,
    )


def pack(loaded: dict, *before: str) -> dict:
    types = (*before, 'PackSeSAMInputs')
    return Compose([dict(type=name) for name in types])(dict(loaded))


def test_pack_keeps_labels_at_8_bits(loaded: dict) -> None:
    packed = pack(loaded)
    sample = packed['data_samples']

    assert packed['inputs'].dtype == torch.uint8
    np.testing.assert_array_equal(
        packed['inputs'].numpy(), loaded['img'].transpose(2, 0, 1)
    )
    for field, name in (
        ('gt_sem_seg', 'gt_seg_map'),
        ('pseudo_sem_seg', 'pseudo_seg_map'),
        ('confident_sem_seg', 'confident_seg_map'),
    ):
        data = sample.get(field).data
        assert data.dtype == torch.uint8 and data.shape == (1, 6, 8)
        np.testing.assert_array_equal(data[0].numpy(), loaded[name])


def test_pack_meta_information_has_image_and_round(loaded: dict) -> None:
    loaded['weak_classes'] = [0, 2]
    sample = pack(loaded)['data_samples']

    assert sample.metainfo == dict(
        img_path='a.jpg',
        img_shape=(6, 8),
        pseudo_label_round=2,
        weak_classes=[0, 2],
    )


def test_pack_keeps_keys_of_the_package_beside_own_meta_keys(
    loaded: dict,
) -> None:
    steps = [dict(type='PackSeSAMInputs', meta_keys=['unrelated'])]
    sample = Compose(steps)(loaded)['data_samples']

    assert sample.metainfo == dict(unrelated=1, pseudo_label_round=2)


def test_pack_without_some_labels(loaded: dict) -> None:
    del loaded['pseudo_seg_map'], loaded['confident_seg_map']
    assert pack(loaded)['data_samples'].keys() == ['gt_sem_seg']
    del loaded['gt_seg_map']
    assert pack(loaded)['data_samples'].keys() == []


def test_keep_teacher_view_before_colours_change(
    loaded: dict,
) -> None:
    np.random.seed(0)
    view = pack(loaded, 'KeepTeacherView', 'PhotoMetricDistortion')['inputs']
    image = loaded['img'].transpose(2, 0, 1)

    assert view.keys() == {'student', 'teacher'}
    np.testing.assert_array_equal(view['teacher'].numpy(), image)
    assert view['student'].shape == image.shape
    assert not np.array_equal(view['student'].numpy(), image)


def test_pack_flipped_view(loaded: dict) -> None:
    # Flipping gives negative strides, which torch refuses.
    for name in ('img', 'gt_seg_map', 'pseudo_seg_map'):
        loaded[name] = loaded[name][:, ::-1]
    packed = pack(loaded, 'KeepTeacherView')

    np.testing.assert_array_equal(
        packed['inputs']['teacher'].numpy(), packed['inputs']['student']
    )
    np.testing.assert_array_equal(
        packed['data_samples'].pseudo_sem_seg.data[0], loaded['pseudo_seg_map']
    )


def test_pack_grey_image_keeps_one_channel(loaded: dict) -> None:
    loaded['img'] = loaded['img'][..., 0]
    views = pack(loaded, 'KeepTeacherView')['inputs']
    assert [*views] == ['student', 'teacher']
    for view in views.values():
        np.testing.assert_array_equal(view.numpy(), loaded['img'][None])


def test_pack_refuses_16_bits(loaded: dict) -> None:
    loaded['img'] = loaded['img'].astype(np.uint16)
    with pytest.raises(ValueError, match='a.jpg is loaded as uint16'):
        pack(loaded)


class FlipOfOneLabel(BaseTransform):
    """A user's own transform, which ignores seg_fields."""

    def transform(self, results: dict) -> dict:
        for name in ('img', 'gt_seg_map'):
            results[name] = results[name][:, ::-1].copy()
        return results


class ShiftOfAll(BaseTransform):
    """A user's own transform, whose name does not say that it moves."""

    def transform(self, results: dict) -> dict:
        for name in ('img', *results['seg_fields']):
            results[name] = np.roll(results[name], 1, axis=1)
        return results


class CropOfOneLabel(BaseTransform):
    def transform(self, results: dict) -> dict:
        for name in ('img', 'gt_seg_map'):
            results[name] = results[name][:4]
        return results


class TestCheckLabelsAligned:
    @pytest.fixture
    def aligned(self, loaded: dict) -> dict:
        """A sample whose pseudo-label keeps the weak label."""
        weak = np.full((6, 8), 255, np.uint8)
        weak[1, :4], weak[4, 4:] = 1, 2
        pseudo = weak.copy()
        pseudo[:3, :6] = 1
        pseudo[4:, 2:] = 2
        loaded.update(
            gt_seg_map=weak,
            pseudo_seg_map=pseudo,
            seg_fields=['gt_seg_map', 'pseudo_seg_map', 'confident_seg_map'],
        )
        return loaded

    def test_pack_accepts_maps_that_move_together(self, aligned: dict) -> None:
        flip = dict(type='mmseg.RandomFlip', prob=1.0)
        for steps in ([], [flip]):
            packed = Compose([*steps, dict(type='PackSeSAMInputs')])
            assert 'pseudo_sem_seg' in packed(dict(aligned))['data_samples']

    def test_pack_refuses_a_map_that_did_not_move(self, aligned: dict) -> None:
        aligned['pseudo_seg_map'][1] = 0
        aligned['pseudo_seg_map'][1, :4] = 1
        steps = [dict(type=FlipOfOneLabel), dict(type='PackSeSAMInputs')]
        with pytest.raises(
            ValueError,
            match=r'a\.jpg differs .* 4 pixels .* move all maps',
        ):
            Compose(steps)(aligned)

    def test_pack_refuses_a_map_that_was_not_cropped(
        self, aligned: dict
    ) -> None:
        steps = [dict(type=CropOfOneLabel), dict(type='PackSeSAMInputs')]
        with pytest.raises(
            ValueError,
            match=r'pseudo_seg_map of a\.jpg has \(6, 8\) and the im',
        ):
            Compose(steps)(aligned)


class TestCheckSizes:
    @pytest.fixture
    def further(self, loaded: dict) -> dict:
        """A sample with a map of a user, and without pseudo-labels."""
        names = ('img_path', 'img', 'img_shape', 'gt_seg_map')
        sample = {name: loaded[name] for name in names}
        return dict(sample, dense_seg_map=loaded['pseudo_seg_map'])

    def test_pack_refuses_a_further_map_that_was_not_cropped(
        self, further: dict
    ) -> None:
        assert pack(further)['data_samples'].dense_sem_seg.shape == (6, 8)
        steps = [dict(type=CropOfOneLabel), dict(type='PackSeSAMInputs')]
        with pytest.raises(
            ValueError,
            match=r'dense_seg_map of a\.jpg has \(6, 8\) and the image \(4',
        ):
            Compose(steps)(further)

    def test_pack_accepts_a_single_map_at_the_size_of_the_file(
        self, further: dict
    ) -> None:
        del further['dense_seg_map']
        further['img'] = further['img'][:4]
        assert pack(further)['data_samples'].gt_sem_seg.shape == (6, 8)


class TestCheckViewsAligned:
    @pytest.fixture
    def weak(self, loaded: dict) -> dict:
        """A sample with a single point, without pseudo-labels."""
        label = np.full((6, 8), 255, np.uint8)
        label[2, 3] = 1
        names = ('pseudo_seg_map', 'confident_seg_map', 'pseudo_label_round')
        sample = {k: v for k, v in loaded.items() if k not in names}
        return dict(sample, gt_seg_map=label, seg_fields=['gt_seg_map'])

    @pytest.mark.parametrize(
        'step', [dict(type=ShiftOfAll), dict(type=CropOfOneLabel)]
    )
    def test_pack_refuses_labels_that_move_after_the_view(
        self, weak: dict, step: dict
    ) -> None:
        keep, last = (
            dict(type=n) for n in ('KeepTeacherView', 'PackSeSAMInputs')
        )
        Compose([step, keep, last])(dict(weak))
        with pytest.raises(
            ValueError, match=r'labels of a\.jpg after KeepTeacherView'
        ):
            Compose([keep, step, last])(dict(weak))

    @pytest.mark.parametrize('fill', [255, None])
    def test_pack_accepts_labels_that_vanish_after_the_view(
        self, weak: dict, fill: int | None
    ) -> None:
        cut = dict(
            type='RandomCutOut',
            prob=1.0,
            n_holes=2,
            cutout_ratio=(1.0, 1.0),
            seg_fill_in=fill,
        )
        steps = [dict(type='KeepTeacherView'), cut]
        views = Compose([*steps, dict(type='PackSeSAMInputs')])(weak)
        assert views['inputs'].keys() == {'student', 'teacher'}
