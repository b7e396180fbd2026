"""Finished runs -> pictures of what labels and networks get wrong.

They show label maps alone: photos of the data sets may not be passed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmseg.registry import DATASETS

from mmseg_sesam.engine.predictor import Predictor
from mmseg_sesam.evaluation.matching import match_labels
from mmseg_sesam.io.labels import read_label
from mmseg_sesam.io.listing import LABEL_SUFFIXES, list_files
from mmseg_sesam.report.run import Run
from mmseg_sesam.store.store import LABELS
from mmseg_sesam.structures import UNLABELLED
from mmseg_sesam.visualization.sheet import choose_palette, save_sheet

# Ranks of the images that are shown, as shares: 0 is the worst.
RANKS = 0.1, 0.5, 0.9
# Colour of unlabelled and of void pixels.
_GREY = 40, 40, 40
# Label maps of an image, the dense one first, (H, W) uint8 each.
Maps = tuple[np.ndarray, ...]


def draw_rounds(run: Run, dense: Path, out: Path) -> None:
    """Draws pseudo-labels of the first and the last round of a run.

    Args:
        run: one of SeSAM.
        dense: folder of the training images' dense labels.
        out: PNG to be written.
    """
    last = run.store.current
    first_dir, last_dir = (
        run.store.folder(index) / LABELS for index in (0, last)
    )
    files = list_files(last_dir, LABEL_SUFFIXES)
    rows = [
        (
            read_label(truth),
            read_label(first_dir / file.relative_to(last_dir)),
            read_label(file),
        )
        for file, truth in match_labels(files, last_dir, dense).pairs.items()
    ]
    titles = 'dense label', 'round 0', f'round {last}'
    _save(rows, titles, _validation_images(run), out)


def draw_predictions(dense: Run, sesam: Run, out: Path) -> None:
    """Draws what two networks predict for validation images.

    Args:
        dense: a run with dense labels.
        sesam: one of SeSAM on the same data set.
        out: PNG to be written.
    """
    predictors = [
        Predictor(run.cfg, str(run.checkpoint), get_device())
        for run in (dense, sesam)
    ]
    images = _validation_images(sesam)
    rows: list[Maps] = []
    for info in map(images.get_data_info, range(len(images))):
        predicted = [one(info['img_path']).label for one in predictors]
        rows.append((read_label(info['seg_map_path']), *predicted))
    titles = 'dense label', 'trained with dense labels', 'SeSAM'
    _save(rows, titles, images, out)


def choose(rows: Sequence[Maps]) -> list[Maps]:
    """Returns a bad, a middling and a good image by the last map of each.

    Its share of right pixels counts, unlabelled ones as wrong.
    """
    ranked = sorted(rows, key=lambda row: _share_right(row[-1], row[0]))
    return [ranked[int(rank * len(ranked))] for rank in RANKS]


def _share_right(label: np.ndarray, dense: np.ndarray) -> float:
    valid = dense != UNLABELLED
    return (label == dense)[valid].mean() if valid.any() else 1.0


def _validation_images(run: Run) -> BaseDataset:
    """Returns the data set, of which only paths and colours are used."""
    config = run.cfg.val_dataloader.dataset
    return DATASETS.build(dict(config, pipeline=[]))


def _save(
    rows: Sequence[Maps], titles: Sequence[str], data: BaseDataset, out: Path
) -> None:
    meta = data.metainfo
    palette = choose_palette(meta.get('palette'), len(meta['classes']))
    colours = np.full((UNLABELLED + 1, 3), _GREY, np.uint8)
    colours[: len(palette)] = palette
    pictures = [[colours[label] for label in row] for row in choose(rows)]
    save_sheet(out, pictures, titles)
