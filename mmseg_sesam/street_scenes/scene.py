"""Canvas and camera of a street scene, and shapes to draw on it.

A pinhole camera looks along a street; all things are placed in metres and
painted from far to near, the label by the same shapes as the image.
"""

from __future__ import annotations

import cv2
import numpy as np

# fmt: off
CLASSES = ['sky', 'building', 'road', 'pavement', 'tree', 'car', 'person',
           'sign']
PALETTE = [[70, 130, 180], [70, 70, 70], [128, 64, 128], [244, 35, 232],
           [107, 142, 35], [0, 0, 142], [220, 20, 60], [220, 220, 0]]
# fmt: on
SKY, BUILDING, ROAD, PAVEMENT, TREE, CAR, PERSON, SIGN = range(len(CLASSES))
SUPERSAMPLE = 3


class Scene:
    """Canvas, camera, street and light of one image.

    World points are (s, y, z): metres right of the road's centre line, above
    the ground and ahead of the camera.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int):
        h, w = self.shape = height * SUPERSAMPLE, width * SUPERSAMPLE
        self.rng = rng
        self.image = np.zeros((h, w, 3), np.uint8)  # RGB
        self.label = np.zeros((h, w), np.uint8)
        # Camera: pixels of the canvas; metres above the ground.
        self.focal = w * rng.uniform(0.62, 0.95)
        self.x0 = w * rng.uniform(0.38, 0.62)
        self.horizon = h * rng.uniform(0.36, 0.52)
        self.eye = rng.uniform(1.5, 3)
        # Street.
        self.kerb = rng.uniform(2.8, 4.8)
        self.pavement = rng.uniform(3, 6)
        self.shift = rng.uniform(-1, 1) * (self.kerb + 2)
        self.turn = rng.uniform(-0.007, 0.007) * (rng.random() < 0.6)
        self.junction = rng.uniform(12, 60)
        # Light: the shadow (s, z) of a metre of height, what shadows take.
        self.sun = rng.uniform(-1, 1, 2)
        self.contrast = rng.uniform(0.1, 0.55)
        self.visibility = rng.uniform(150, 500)
        self.haze = np.float32(rng.uniform(170, 225) + rng.normal(0, 5, 3))

    def bend(self, z: np.ndarray) -> np.ndarray:
        """Returns metres from the camera's axis to the road's centre at z."""
        return self.turn * z * z - self.shift

    def project(self, points: np.ndarray) -> np.ndarray:
        """Returns canvas points (N, 2), as (x, y), of world points (N, 3)."""
        s, y, z = np.transpose(points)
        x = self.x0 + self.focal / z * (s + self.bend(z))
        return np.array([x, self.horizon + self.focal / z * (self.eye - y)]).T

    def hazy(self, colour: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Returns a colour as it looks through the haze before depth z."""
        clear = np.exp(-z / self.visibility)
        return np.clip(colour * clear + self.haze * (1 - clear), 0, 255)

    def fill(
        self, class_id: int, points: np.ndarray, colour: np.ndarray
    ) -> None:
        """Paints a world polygon (N, 3) into image and label."""
        outline = np.rint(self.project(points)).astype(np.int32)[None]
        colour = self.hazy(colour, points[0][2])
        cv2.fillPoly(self.image, outline, colour.tolist())
        cv2.fillPoly(self.label, outline, class_id)

    def plates(self, class_id: int, s: float, z: float, parts: list) -> None:
        """Paints (colour, outline (N, 2)) pairs upright, facing the camera."""
        for colour, outline in parts:
            x, y = np.transpose(outline)
            self.fill(class_id, np.array([s + x, y, 0 * x + z]).T, colour)

    def paste(self, class_id: int, quad: list, texture: np.ndarray) -> None:
        """Pastes an RGBA texture on a quad, clockwise from its upper left."""
        corners, (h, w) = self.project(quad), texture.shape[:2]
        low = np.clip(corners.min(0), 0, self.shape[::-1]).astype(int)
        high = np.clip(corners.max(0) + 1, 0, self.shape[::-1]).astype(int)
        if (low >= high).any():
            return
        texture[..., :3] = self.hazy(texture[..., :3], quad[0][2])
        origin = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
        warp = cv2.getPerspectiveTransform(origin, np.float32(corners - low))
        size, nearest = (high - low).tolist(), cv2.INTER_NEAREST
        pasted = np.clip(texture, 0, 255).astype(np.uint8)
        pasted = cv2.warpPerspective(pasted, warp, size, flags=nearest)
        box = np.s_[low[1] : high[1], low[0] : high[0]]
        opaque = pasted[..., 3] > 0
        np.copyto(self.image[box], pasted[..., :3], where=opaque[..., None])
        self.label[box][opaque] = class_id


def pick(rng: np.random.Generator, colours: str) -> np.ndarray:
    """Returns one of some colours, a little changed: (3,) float."""
    colour = np.array(list(bytes.fromhex(rng.choice(colours.split()))))
    return (colour + rng.normal(0, 14) + rng.normal(0, 6, 3)).clip(8, 245)


def noise(rng: np.random.Generator, shape: tuple, cell: float) -> np.ndarray:
    """Returns smooth noise (H, W), float32, of deviation 1."""
    coarse = rng.standard_normal([int(n / cell) + 2 for n in shape], 'f4')
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def ellipse(
    x: float, y: float, rx: float, ry: float, corners: int = 14
) -> np.ndarray:
    """Returns (corners, 2), an ellipse or an upright regular polygon."""
    angle = (np.arange(corners) + 0.5) * 2 * np.pi / corners - np.pi / 2
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)


def board(half: float, low: float, high: float) -> np.ndarray:
    """Returns (4, 2), an upright rectangle around x = 0."""
    return np.array([[-half, low], [-half, high], [half, high], [half, low]])


def inset(points: np.ndarray, scale: float) -> np.ndarray:
    """Returns a polygon scaled about the mean of its corners."""
    return np.mean(points, 0) + scale * (points - np.mean(points, 0))
