"""Pictures of training samples: views and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.runner import set_random_seed
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam import structures
from mmseg_sesam.datasets.loading import attach_store
from mmseg_sesam.datasets.pipeline_configs import common_data_root
from mmseg_sesam.datasets.rgb_view import VIEW, rgb_view
from mmseg_sesam.io.terminal import Progress
from mmseg_sesam.store.store import STORE_NAME, PseudoLabelStore
from mmseg_sesam.visualization.sheet import (
    choose_palette,
    paint_label,
    save_sheet,
)

# Titles of the maps whose name is not that of their field.
_TITLES = {
    structures.HUMAN_FIELD: 'label',
    structures.PSEUDO_FIELD: 'pseudo-label',
}
_FROM_ROUNDS = structures.PSEUDO_FIELD, structures.CONFIDENT_FIELD


def draw_samples(
    cfg: Config, split: str, number: int, seed: int, out_dir: Path
) -> int:
    """Draws random samples as a data loader's pipeline packs them.

    Args:
        cfg: config with a work_dir, whose pseudo-labels are drawn.
        split: 'train', 'val' or 'test'.
        number: number of samples.
        seed: seed of the choice and of the augmentation.
        out_dir: folder of the pictures, one PNG for each sample.

    Returns:
        The number of pictures.
    """
    config = cfg[f'{split}_dataloader'].dataset
    dataset = DATASETS.build(config)
    root = common_data_root(dataset)
    store = PseudoLabelStore(Path(cfg.work_dir, STORE_NAME))
    stores_confident = (cfg.get('model') or {}).get('teacher') == 'round'
    attach_store(dataset, store, root, with_confident=stores_confident)
    classes = dataset.metainfo.get('classes') or range(255)
    palette = choose_palette(dataset.metainfo.get('palette'), len(classes))
    # Transforms draw from the global generators.
    set_random_seed(seed)
    count = min(number, len(dataset))
    rng = np.random.default_rng(seed)
    indices = rng.choice(len(dataset), count, replace=False)
    out_dir.mkdir(parents=True, exist_ok=True)
    for place, index in enumerate(Progress(indices, desc=split)):
        packed = dataset[int(index)]
        views = draw_views(packed, palette)
        stem = Path(packed['data_samples'].img_path).stem
        path = out_dir / f'{place:04d}_{stem}.png'
        save_sheet(path, [list(views.values())], list(views))
    return count


def describe_label(kind: str | None, unsaid: str = 'weak label') -> str:
    """Returns the words for a label of a kind, and for one of unsaid kind.

    Example:
        >>> describe_label('dense'), describe_label('none')
        ('dense label', 'unlabelled')
    """
    if kind == structures.NO_LABEL:
        return 'unlabelled'
    return unsaid if kind is None else f'{kind} label'


def draw_views(
    packed: dict[str, Any], palette: Sequence[Sequence[int]]
) -> dict[str, np.ndarray]:
    """Draws a sample as the training pipeline packs it.

    Args:
        packed: 'inputs', an image, see `rgb_view`, or a dict of the
            'student' and the 'teacher' view; 'data_samples'.
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
            _to_bytes(view, sample), sample
        )
        for name, view in views.items()
    }
    # The last view is the teacher's, which has the colours of the file.
    image = list(pictures.values())[-1]
    known = [source.field for source in structures.SOURCES]
    for field in [*known, *sorted(set(sample.keys()).difference(known))]:
        if field in sample and field.endswith(structures.LABEL_SUFFIX):
            name = field.removesuffix(structures.LABEL_SUFFIX)
            name = _TITLES.get(field, name)
            if field == structures.HUMAN_FIELD:
                name = describe_label(sample.get('label_kind'), name)
            label = sample.get(field).data[0].numpy().astype(np.uint8)
            if field in _FROM_ROUNDS:
                made = sample.get('pseudo_label_round', -1)
                name += f' of round {made}' if made >= 0 else ' (no round yet)'
            title = f'{name}, {np.mean(label != structures.UNLABELLED):.0%}'
            pictures[title] = paint_label(image, label, palette)
    return pictures


def _to_bytes(image: Tensor, sample: SegDataSample) -> Tensor:
    """Returns an image of 8 bits whose augmentation left their range."""
    if image.is_floating_point() and VIEW not in sample:
        return image.round().clamp(0, 255)
    return image
