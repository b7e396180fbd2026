"""Changes images as validation does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from mmseg_sesam.datasets.pipeline_configs import (
    inference_pipeline,
    loads,
    packs,
)


class ValidationTransforms:
    """Applies the image transforms of validation to whole images.

    Without them the network would be shown images at scales, or with values,
    that it never saw. mmseg returns predictions at the size of the file.
    `steps` are configs of transforms, such as `Resize` or `CLAHE`.
    """

    def __init__(self, steps: Sequence[dict] = ()) -> None:
        self.steps = [dict(step) for step in steps]
        self.transforms = [TRANSFORMS.build(dict(step)) for step in steps]

    @classmethod
    def of_config(cls, cfg: Config) -> ValidationTransforms:
        """Takes the steps of `inference_pipeline`.

        Steps that load or pack are left out. Without others images stay as
        they are.
        """
        steps = inference_pipeline(cfg)
        return cls([s for s in steps if not (loads(s) or packs(s))])

    def __call__(self, batch: dict) -> dict:
        """Returns a batch of one image, changed, with the labels as they are.

        A batch has 'inputs', a list of one (C, H, W) image, and
        'data_samples', a list of one sample, which gets the new img_shape.
        """
        if not self.transforms:
            return batch
        (sample,) = batch['data_samples']
        # A copy: some transforms write into the image.
        image = batch['inputs'][0].permute(1, 2, 0).numpy().copy()
        if image.shape[2] == 1:
            # As pipelines load grey images.
            image = image[..., 0]
        results = dict(sample.metainfo, img=image, seg_fields=[])
        results['img_shape'] = image.shape[:2]
        for transform in self.transforms:
            results = transform(results)
        image = results['img']
        # OpenCV drops the axis of a single channel.
        planes = image.reshape(*image.shape[:2], -1).transpose(2, 0, 1)
        sample = sample.new()
        sample.set_metainfo(dict(img_shape=image.shape[:2]))
        inputs = [torch.from_numpy(np.ascontiguousarray(planes))]
        return dict(inputs=inputs, data_samples=[sample])
