"""Class shares that a row is given: exact ones, or of sampled pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmseg_sesam.io.class_shares import COLUMNS

from .balance import count_classes


def known_shares(
    dataset: dict, classes: list[str], pixels: int, seed: int, folder: Path
) -> dict[str, float] | str:
    """Returns `shares` of ClassSharesHook from dense labels.

    Args:
        dataset: config of the training data set with its dense labels.
        classes: names of the classes.
        pixels: number of random pixels to classify; 0 for exact shares.
        seed: of the pixels.
        folder: where the table of pixels is written.

    Returns:
        Shares by class, or the path of a table of classified pixels.
    """
    counts = count_classes(dataset, len(classes))
    shares = counts / counts.sum()
    if not pixels:
        # People click on a class that the dense labels do not have.
        return {n: max(float(s), 1e-6) for n, s in zip(classes, shares)}
    drawn = np.random.default_rng(seed).choice(classes, pixels, p=shares)
    path = folder / f'pixels-{pixels}-seed{seed}.csv'
    rows = [f',,,"{name}"' for name in drawn]
    path.write_text('\n'.join([','.join(COLUMNS), *rows]) + '\n')
    return str(path)
