"""Pictures of a training sample: its views and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmseg_sesam.datasets.rgb_view import rgb_view
from mmseg_sesam.visualization.sheet import paint_label

# Field of the data sample -> title.
_FIELDS = dict(
    gt_sem_seg='label',
    pseudo_sem_seg='pseudo-label',
    confident_sem_seg='confident',
)


def draw_views(
    packed: dict[str, Any], palette: Sequence[Sequence[int]]
) -> dict[str, np.ndarray]:
    """Draws a sample as the training pipeline packs it.

    Args:
        packed: 'inputs', a (3, H, W) image in BGR or a (1, H, W) one, or a
            dict of the 'student' and the 'teacher' view; 'data_samples'.
        palette: RGB of each class.

    Returns:
        (H, W, 3) uint8 pictures in RGB by title: the views, then every
        label map over the last view, with its round and its share of
        labelled pixels.
    """
    inputs, sample = packed['inputs'], packed['data_samples']
    views = inputs if isinstance(inputs, dict) else dict(image=inputs)
    pictures = {
        name if name == 'image' else f'{name}’s view': rgb_view(
            # Augmentation of float images leaves the range of 8 bits.
            view.round().clamp(0, 255) if view.is_floating_point() else view,
            sample.img_path,
        )
        for name, view in views.items()
    }
    # The last view is the teacher's, which has the colours of the file.
    image = list(pictures.values())[-1]
    for field, name in _FIELDS.items():
        if field in sample:
            label = sample.get(field).data[0].numpy().astype(np.uint8)
            share = np.mean(label != 255)
            if field != 'gt_sem_seg':
                name += _round_of(sample)
            title = f'{name}, {share:.0%}'
            pictures[title] = paint_label(image, label, palette)
    return pictures


def _round_of(sample: Any) -> str:
    number = sample.get('pseudo_label_round', -1)
    return f' of round {number}' if number >= 0 else ' (no round yet)'
