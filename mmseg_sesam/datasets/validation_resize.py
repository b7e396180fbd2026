"""Resizes images as validation does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from mmseg_sesam.datasets.pipeline_configs import iterate_pipelines
from mmseg_sesam.type_names import type_name


class ValidationResize:
    """Scales whole images as validation does.

    At its own size an image may show objects at scales that the network
    never saw. mmseg returns predictions at the size of the file. `steps` are
    configs of transforms, such as `Resize`.
    """

    def __init__(self, steps: Sequence[dict] = ()) -> None:
        self.steps = [dict(step) for step in steps]
        self.transforms = [TRANSFORMS.build(dict(step)) for step in steps]

    @classmethod
    def of_config(cls, cfg: Config) -> ValidationResize:
        """Takes the `Resize` steps of validation, or else of testing.

        Without such steps the scaling changes nothing.
        """
        loader = cfg.get('val_dataloader') or cfg.get('test_dataloader') or {}
        for pipeline in iterate_pipelines(loader.get('dataset', {})):
            return cls(
                [p for p in pipeline if type_name(p).startswith('Resize')]
            )
        return cls()

    def __call__(self, batch: dict) -> dict:
        """Returns a batch of one image, scaled, with the labels as they are.

        A batch has 'inputs', a list of one (C, H, W) uint8 image, and
        'data_samples', a list of one sample, which gets the new img_shape.
        """
        if not self.transforms:
            return batch
        image = batch['inputs'][0].permute(1, 2, 0).numpy()
        results = dict(
            img=np.ascontiguousarray(image), img_shape=image.shape[:2]
        )
        for transform in self.transforms:
            results = transform(results)
        # OpenCV drops the axis of a single channel.
        scaled = results['img'].reshape(*results['img'].shape[:2], -1)
        scaled = np.ascontiguousarray(scaled.transpose(2, 0, 1))
        sample = batch['data_samples'][0].new()
        sample.set_metainfo(dict(img_shape=results['img_shape'][:2]))
        return dict(inputs=[torch.from_numpy(scaled)], data_samples=[sample])
