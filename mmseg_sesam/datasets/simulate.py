"""Simulates weak labels from dense ones within a pipeline."""

from __future__ import annotations

import os
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_sesam.core.bands import class_ids
from mmseg_sesam.core.weak_labels import WeakLabelSimulator
from mmseg_sesam.io.atomic import replacing
from mmseg_sesam.io.json_values import json_digest, json_values
from mmseg_sesam.io.labels import read_label, write_label
from mmseg_sesam.io.names import sample_key
from mmseg_sesam.structures import NO_LABEL
from mmseg_sesam.validators import PATH, check_option, check_options
from mmseg_sesam.version import __version__

# The kind of labels that each kind of simulation resembles.
SIMULATED_KINDS = dict(
    coarse='coarse',
    scribble='scribble',
    point='point',
    block='coarse',
    random_points='point',
    grid_points='point',
)


@TRANSFORMS.register_module()
class SimulateWeakLabel(BaseTransform):
    """Replaces a dense label by a simulated weak label.

    Place this transform after the annotations are loaded and before any
    geometric transform: later transforms and the loss never see the dense
    label.

    Required keys: img_path, gt_seg_map. Modified keys: gt_seg_map,
    weak_classes and label_kind, see `LoadWeakAnnotations`. An image without
    a label stays without one.

    Args:
        kind: 'coarse', 'scribble', 'point', 'block', 'random_points' or
            'grid_points'.
        data_root: folder of the images. The path of an image below it and
            `seed` fix every random choice.
        seed: seed of the simulation.
        cache_dir: folder for the simulated labels, which are faster to read
            than to simulate; by default every epoch simulates again.
        **options: further options of `WeakLabelSimulator` that act for the
            kind.

    Example:
        >>> transform = SimulateWeakLabel('point', 'data', dot_radius=0)
        >>> dense = np.zeros((20, 20), np.uint8)
        >>> results = dict(img_path='data/a.jpg', gt_seg_map=dense)
        >>> results = transform(results)
        >>> int((results['gt_seg_map'] != 255).sum())
        1
    """

    def __init__(
        self,
        kind: str,
        data_root: str,
        seed: int = 0,
        cache_dir: str | None = None,
        **options,
    ) -> None:
        owner = type(self).__name__
        check_option(owner, 'cache_dir', cache_dir, PATH.or_none())
        self.simulator = WeakLabelSimulator(kind, seed=seed, **options)
        self.kind = SIMULATED_KINDS[kind]
        self.data_root = data_root
        check_options(self, data_root=PATH)
        # Another version of the package may draw differently.
        settings = dict(asdict(self.simulator), version=__version__)
        digest = json_digest(json_values(owner, settings))[:12]
        self.cache = cache_dir and Path(cache_dir, kind, digest)

    def transform(self, results: dict) -> dict:
        """Replaces gt_seg_map, and sets weak_classes and label_kind."""
        if results.get('label_kind') == NO_LABEL:
            return results
        key = sample_key(results['img_path'], self.data_root)
        weak = self._weak_label(key, results['gt_seg_map'])
        results['gt_seg_map'] = weak
        results['weak_classes'] = class_ids(weak).tolist()
        results['label_kind'] = self.kind
        return results

    def _weak_label(self, key: str, dense: np.ndarray) -> np.ndarray:
        """Returns the weak label of an image, from the cache if possible."""
        if self.cache:
            checksum = zlib.crc32(np.ascontiguousarray(dense))
            cached = self.cache / f'{key}.{checksum:08x}.png'
            if cached.exists():
                return read_label(cached)
        weak = self.simulator(dense, zlib.crc32(os.fsencode(key)))
        if self.cache:
            cached.parent.mkdir(parents=True, exist_ok=True)
            # Two workers may write one file: both write the same label.
            with replacing(cached) as part:
                write_label(part, weak)
        return weak
