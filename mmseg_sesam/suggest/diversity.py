"""Distances of images by their features."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

# Images whose distances are in memory together.
_BLOCK = 1024


def scale_points(features: np.ndarray) -> np.ndarray:
    """Returns features around 0, so that distances are at most 1.

    Args:
        features: (N, D), equal rows for equal images.

    Returns:
        (N, D) float64.
    """
    points = np.asarray(features, np.float64)
    points = points - points.mean(axis=0)
    radius = np.linalg.norm(points, axis=1).max(initial=0)
    return points / (2 * radius) if radius else points


def distances_to_labelled(
    points: np.ndarray, labelled: np.ndarray
) -> np.ndarray:
    """Returns the distance of each image to the nearest other labelled one.

    It is 1 for all images if none has a label, or all have one: then labels
    say nothing of where they are missing.

    Args:
        points: (N, D), from `scale_points`.
        labelled: (N,) bool.

    Example:
        >>> points = np.array([[0.0], [0.2], [1.0]])
        >>> labelled = np.array([True, False, False])
        >>> distances_to_labelled(points, labelled).tolist()
        [1.0, 0.2, 1.0]
    """
    nearest = np.ones(len(points))
    if labelled.all():
        return nearest
    places = np.flatnonzero(labelled)
    blocks = len(points) // _BLOCK + 1
    for rows in np.array_split(np.arange(len(points)), blocks):
        distances = cdist(points[rows], points[places])
        # An image that has a label may need more of them.
        distances[rows[:, None] == places] = 1
        nearest[rows] = distances.min(axis=1, initial=1)
    return nearest
