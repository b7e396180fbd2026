"""Sky, ground and light of a street scene, and the whole picture."""

from __future__ import annotations

import cv2
import numpy as np

from mmseg_sesam.street_scenes.scene import (
    CLASSES,
    PAVEMENT,
    ROAD,
    SKY,
    SUPERSAMPLE,
    Scene,
    noise,
    pick,
)
from mmseg_sesam.street_scenes.things import Thing, draw_skyline, plan

SKIES = '5484c4 78a0cd 969ca4 b4bec8'  # hexadecimal RGB
GRAIN = np.array([1, 6, 6, 6, 12, 3, 5, 2])  # deviation in grey levels


def draw_sky(scene: Scene) -> None:
    """Draws a gradient down to the haze, and clouds."""
    rng, (h, w) = scene.rng, scene.shape
    shape = h // SUPERSAMPLE, w // SUPERSAMPLE
    down = np.linspace(0, h / scene.horizon, shape[0])[:, None, None]
    zenith = pick(rng, SKIES)
    sky = zenith + (scene.haze - zenith) * down.clip(0, 1)
    clouds = noise(rng, shape, h / 14) + 0.5 * noise(rng, shape, h / 40)
    clouds = 0.8 * (clouds - rng.uniform(-0.6, 1.5)).clip(0, 1)[..., None]
    sky = sky + (rng.uniform(205, 240) - sky) * clouds
    scene.image[:] = cv2.resize(sky.astype(np.uint8), (w, h))
    scene.label[:] = SKY


def draw_ground(scene: Scene) -> None:
    """Draws the road with wear and markings, pavements, slabs and a kerb."""
    rng, (h, w), top = scene.rng, scene.shape, int(scene.horizon) + 1
    x, y = np.arange(w, dtype=np.float32), np.arange(top, h, dtype=np.float32)
    z = scene.focal * scene.eye / (y[:, None] - scene.horizon)
    s = (x - scene.x0) * (z / scene.focal) - scene.bend(z)
    beside, ahead = np.abs(s) - scene.kerb, z - scene.junction
    crossing = (ahead > 0) & (ahead < 7)
    road = (beside < 0) | crossing

    lines = (np.abs(beside + 0.3) < 0.07) | (np.abs(s) < 0.08) & (z % 6 < 3)
    zebra = (np.abs(ahead + 3) < 1.5) & (np.cos(s * 6) > 0) & (beside < -0.3)
    paint = ((lines | zebra) & ~crossing) * np.float32(rng.uniform(0.3, 0.7))
    blotch = 6 * noise(rng, road.shape, h / 6)
    asphalt = rng.uniform(75, 135) + blotch - 4 * np.cos(s * 3.5)
    asphalt += paint * (235 - asphalt)

    size = rng.uniform(4, 10)  # slabs in a pavement's 2 pi metres
    joint = np.maximum(np.cos(s * size), np.cos(z * size)) > 0.97
    slabs = rng.uniform(95, 175) - blotch - joint * (35 * np.exp(-z / 12))
    slabs += (beside < 0.25) * np.float32(rng.uniform(-35, 35))

    clear = np.exp(-z / scene.visibility)
    grey = np.where(road, asphalt, slabs) * clear
    for channel, tint in enumerate(rng.normal(0, 5, 3)):
        veil = scene.haze[channel] * (1 - clear) + np.float32(tint)
        scene.image[top:, :, channel] = np.clip(grey + veil, 0, 255)
    scene.label[top:] = np.where(road, ROAD, PAVEMENT)


def cast_shadows(scene: Scene, things: list[Thing]) -> None:
    """Darkens the ground under things and where they hide the sun."""
    shade, top = np.zeros(scene.shape, np.uint8), int(scene.horizon) + 1
    corners = np.array([[-1, 0, -1], [-1, 0, 1], [1, 0, 1], [1, 0, -1]]) / 2
    for _, s, z, width, depth, height in things:
        base = corners * [width, 0, depth] + [s, 0, z]
        tip = base + np.insert(scene.sun * height, 1, 0)
        ground = np.maximum([*base, *tip], [-np.inf, 0, 1.5])
        hull = cv2.convexHull(np.rint(scene.project(ground)).astype(np.int32))
        cv2.fillConvexPoly(shade, hull, 1)
    shade = cv2.blur(np.float32(shade[top:]), (7, 7)) * scene.contrast
    scene.image[top:] = scene.image[top:] * (1 - shade[..., None])


def develop(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Returns image and label: shrinks the canvas, adds grain, light, blur."""
    rng, size = scene.rng, tuple(n // SUPERSAMPLE for n in scene.shape)

    def shrink(canvas: np.ndarray) -> np.ndarray:
        return cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA)

    classes = range(len(CLASSES))
    shares = [shrink(np.float32(scene.label == c)) for c in classes]
    label = np.argmax(shares, 0).astype(np.uint8)
    grain = noise(rng, size, 1.5) + 0.5 * noise(rng, size, 5)
    image = shrink(scene.image) + (GRAIN[label] * grain)[..., None]
    glow = 1 + np.linspace(-1, 1, size[1])[:, None] * rng.normal(0, 0.1)
    white = rng.uniform(0.85, 1.15) * rng.normal(1, 0.03, 3)
    image = (image / 255 * glow * white).clip(0, 1) ** rng.uniform(0.75, 1.2)
    image = cv2.GaussianBlur(image, (5, 5), rng.uniform(0.2, 0.6))
    image += rng.normal(0, rng.uniform(0.004, 0.014), image.shape)
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8), label


def render(
    rng: np.random.Generator, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns an RGB image (H, W, 3) and its class ids (H, W), both uint8."""
    scene = Scene(rng, height, width)
    things = plan(scene)
    draw_sky(scene)
    draw_ground(scene)
    cast_shadows(scene, things)
    draw_skyline(scene)
    for thing in things:
        thing.draw(scene, thing)
    return develop(scene)
