"""Distances of images by their features."""

from __future__ import annotations

import numpy as np


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


def distances_to(points: np.ndarray, index: int) -> np.ndarray:
    """Returns the distance of each point to one.

    Args:
        points: (N, D).
        index: of the one point.

    Example:
        >>> points = scale_points(np.array([[0.0], [4.0], [0.0]]))
        >>> distances_to(points, 0).tolist()
        [0.0, 0.75, 0.0]
    """
    return np.linalg.norm(points - points[index], axis=1)
