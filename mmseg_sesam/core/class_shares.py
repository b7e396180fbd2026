"""Classes' shares of pixels and of weak labels, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmseg_sesam.io.class_shares import ClassShares

# Steps and remaining relative error of the fit (our choice).
_STEPS, _ERROR = 500, 1e-3


def standard_errors(counts: np.ndarray) -> np.ndarray:
    """Returns the standard error of each class's share in random pixels.

    A class without a pixel gets the error of a class with one.

    Example:
        >>> standard_errors(np.array([75, 25])).round(3).tolist()
        [0.043, 0.043]
    """
    total = counts.sum()
    shares = np.maximum(counts, 1) / total
    return np.sqrt(shares * np.maximum(1 - shares, 0) / total)


def match_weak_labels(
    shares: ClassShares, counts: np.ndarray, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns each class's share of all pixels, and of the weak labels.

    A class that weak labels have and none of the sampled pixels shows is
    rare: it gets the share of half a pixel (our choice). A class without
    weak labels gets the share 0, because no network learns it.

    Args:
        shares: from `read_shares`.
        counts: (C,) weakly labelled pixels.
        classes: names, for messages.

    Raises:
        ValueError: there are no weak labels, or a class has some and the
            share 0.

    Example:
        >>> shares = ClassShares(np.array([0.9, 0.1]), 0, 'shares')
        >>> pixels, weak = match_weak_labels(shares, np.ones(2), 'ab')
        >>> pixels, weak
        (array([0.9, 0.1]), array([0.5, 0.5]))
    """
    values, labelled = shares.values.copy(), counts > 0
    if not labelled.any():
        raise ValueError(
            'No image of the training set has a weak label, expected some of '
            'each class; check seg_map_path of the data set.'
        )
    if shares.pixels:
        values[labelled & (values == 0)] = 0.5 / shares.pixels
    for index, name in enumerate(classes):
        if labelled[index] and not values[index]:
            raise ValueError(
                f'{shares.source} has the share 0 for the class {name!r}, '
                f'which {counts[index]:.0f} pixels of the weak labels have; '
                'give its share, or a small one such as 0.0001.'
            )
    values[~labelled] = 0
    return values / values.sum(), counts / counts.sum()


def fit_constants(
    log_probabilities: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Returns one constant per class that gives predictions known shares.

    With the constants added, the mean of the softmax over all pixels equals
    the shares. A class of share 0 gets 0, and no prediction should have it.
    The constants exist and are unique up to a sum; the iteration is
    Sinkhorn's.

    Args:
        log_probabilities: (N, C) logits or logarithms of probabilities.
        shares: (C,), of sum 1.

    Example:
        >>> logits = np.zeros((4, 2))
        >>> constants = fit_constants(logits, np.array([0.9, 0.1]))
        >>> float(np.exp(constants[0] - constants[1]).round(3))
        9.0
    """
    known = shares > 0
    logits, target = log_probabilities[:, known], shares[known]
    highest = logits.max(axis=1, keepdims=True)
    # In place: 400 000 pixels of 150 classes take 0.5 GB.
    scores = np.subtract(logits, highest, dtype=np.float64)
    np.exp(scores, out=scores)
    factors = np.ones(len(target))
    for _ in range(_STEPS):
        # Unlike a product of matrices, the same for any number of threads.
        sums = np.einsum('nc,c->n', scores, factors)
        means = factors * np.einsum('nc,n->c', scores, 1 / sums) / len(scores)
        ratio = target / np.maximum(means, 1e-12)
        factors *= ratio
        # Only the factors' ratios matter.
        factors /= np.exp(np.log(factors).mean())
        if abs(ratio - 1).max() < _ERROR:
            break
    constants = np.zeros(len(shares))
    constants[known] = np.log(factors)
    return constants
