"""Renders a small street-scene data set with exact labels, in VOC layout.

The scenes are drawn, not photographed, so that the whole training from weak
labels can be tried without a download. A pinhole camera looks along a street;
all things are placed in metres and painted from far to near, the label by the
same shapes as the image. Colours overlap between classes on purpose (grey
roads, pavements, walls, cars and skies): colour alone decides little. All
distributions are our choice.

    python tools/make_demo_data.py data/street_demo
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from mmseg_sesam.cli.arguments import whole
from mmseg_sesam.io.labels import write_label
from mmseg_sesam.io.listing import is_empty_or_absent
from mmseg_sesam.io.terminal import Progress

# fmt: off
CLASSES = ['sky', 'building', 'road', 'pavement', 'tree', 'car', 'person',
           'sign']
PALETTE = [[70, 130, 180], [70, 70, 70], [128, 64, 128], [244, 35, 232],
           [107, 142, 35], [0, 0, 142], [220, 20, 60], [220, 220, 0]]
# fmt: on
SKY, BUILDING, ROAD, PAVEMENT, TREE, CAR, PERSON, SIGN = range(len(CLASSES))
GRAIN = np.array([1, 6, 6, 6, 12, 3, 5, 2])  # deviation in grey levels
SUPERSAMPLE = 3
# Default and minimum of each setting.
OPTIONS = dict(
    train=(96, 1), val=(32, 1), height=(160, 32), width=(224, 32), seed=(0, 0)
)
FAR = 110  # metres to where the skyline closes the street

# Hexadecimal RGB.
SKIES = '5484c4 78a0cd 969ca4 b4bec8'
WALLS = '965041 b09878 80807e cdc6b8 6e5a4e 8c9478 788494 be8c64 585a60'
GLASS = '303842 546476 8294a5'
ROOFS = '783e32 565458 6e645c'
LEAVES = '3e622c 587634 4e6440 7a7832 966830 60644a'
BARK = '544232 686258'
PAINTS = 'e1e1de 969a9e 222326 5c6064 a02220 284278 34603e baaa82 6e8246'
SKINS = 'e0b294 966848 5c3e30'
HAIRS = '201a18 60422a bea06e'
FACES = 'be1e23 234ba5 ebbe28 1e6e46 e1e1dc'
# Side views of a saloon, a hatchback and a van, from the lower rear over the
# roof to the lower front: x in lengths, y in heights of the car.
SALOON = '-.5 .13 -.5 .58 -.34 .66 -.2 1 .1 1 .26 .66 .48 .54 .5 .13'
HATCHBACK = '-.5 .13 -.5 .6 -.4 1 .1 1 .26 .66 .47 .54 .5 .13'
VAN = '-.5 .1 -.5 .6 -.48 1 .3 1 .41 .6 .5 .48 .5 .1'


class Thing(NamedTuple):
    """A thing at (s, z): metres right of the road's centre, metres ahead."""

    draw: Callable[[Scene, Thing], None]
    s: float
    z: float
    width: float  # along s
    depth: float  # along z
    height: float


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


def facade(
    rng: np.random.Generator, length: float, height: float, scale: int
) -> np.ndarray:
    """Returns an RGBA wall of bricks and windows, `scale` pixels a metre."""
    w, h = int(length * scale), int(height * scale)
    bay, storey = length / max(1, length // rng.uniform(2, 3.5)), 3
    x, y = np.arange(w) / scale, np.arange(h, 0, -1)[:, None] / scale
    across, up = np.abs(x / bay % 1 - 0.5), np.abs(y / storey % 1 - 0.5)
    shop = (y < storey) & (rng.random() < 0.6)
    wide = np.where(shop, 0.46, rng.uniform(0.17, 0.4))
    tall = np.where(shop, 0.4, rng.uniform(0.2, 0.33))
    frame = (across < wide + 0.04) & (up < tall + 0.04)
    glass = (across < wide) & (up < tall) & (across > 0.02)
    awning = np.flatnonzero((np.abs(y - storey) < 0.35) & shop.any())

    bricks = rng.normal(0, rng.uniform(2, 14), (h // 3 + 1, w // 5 + 1, 1))
    panes = rng.normal(
        0, 20, (int(height / storey) + 1, int(length / bay) + 1)
    )
    wall = np.full((h, w, 4), 255, np.float32)
    wall[..., :3] = bricks.repeat(3, 0).repeat(5, 1)[:h, :w] + pick(rng, WALLS)
    wall[frame] = [*[rng.uniform(60, 235)] * 3, 255]
    tone = panes[(y // storey).astype(int), (x // bay).astype(int)]
    wall[glass, :3] = pick(rng, GLASS) + tone[glass, None]
    wall[awning, :, :3] = rng.uniform(20, 230, 3)
    wall[:3, :, :3] *= rng.uniform(0.6, 1.3)
    return wall


def draw_skyline(scene: Scene) -> None:
    """Draws blocks and trees over the whole width at the far end."""
    rng, tall, z = scene.rng, scene.rng.uniform(7, 25), FAR
    s = -scene.x0 * FAR / scene.focal - scene.bend(FAR) - 9
    while scene.project([(s, 0, z)])[0, 0] < scene.shape[1]:
        width, h = rng.uniform(8, 22), tall * rng.uniform(0.5, 1.4)
        z, right = FAR + rng.uniform(0, 9), s + width
        quad = [(s, h, z), (right, h, z), (right, 0, z), (s, 0, z)]
        scene.paste(BUILDING, quad, facade(rng, width, h, 4))
        if rng.random() < 0.4:
            draw_tree(scene, Thing(draw_tree, s, FAR, width, 1, width * 0.8))
        s = right


def draw_building(scene: Scene, thing: Thing) -> None:
    """Draws a house along the street: its roof, its gable end, its front."""
    rng, (_, s, z, width, depth, h) = scene.rng, thing
    inner, outer = s - np.sign(s) * width / 2, s + np.sign(s) * width / 2
    near, far, ridge = z - depth / 2, z + depth / 2, h + rng.choice([0, 3])
    wall = facade(rng, depth, h, 8)
    wall[..., :3] *= 1 - scene.contrast * (s * scene.sun[0] < 0)
    roof = [(s, ridge, near), (s, ridge, far), (inner, h, far)]
    scene.fill(BUILDING, [*roof, (inner, h, near)], pick(rng, ROOFS))
    gable = [(outer, h), (outer, 0), (inner, 0), (inner, h), (s, ridge)]
    end = wall[..., :3].mean((0, 1)) * (1.1 - scene.contrast / 2)
    scene.plates(BUILDING, 0, near, [(end, gable)])
    front = [(inner, h, near), (inner, h, far), (inner, 0, far)]
    scene.paste(BUILDING, [*front, (inner, 0, near)], wall)


def draw_tree(scene: Scene, thing: Thing) -> None:
    """Draws a trunk and a ragged crown, brighter above and to the sun."""
    rng, (_, s, z, width, _, h) = scene.rng, thing
    half, bare = width / 2, h * (rng.uniform(0.2, 0.35) if h > 2 else -0.1)
    trunk = [(-0.03, 0), (-0.015, 0.6), (0.015, 0.6), (0.03, 0)]
    scene.plates(TREE, s, z, [(pick(rng, BARK), h * np.array(trunk))])
    y, x = np.mgrid[-1:1:72j, -1:1:72j]
    ragged = noise(rng, x.shape, 12) + 0.6 * noise(rng, x.shape, 4)
    crown = np.full((*x.shape, 4), 255, np.float32)
    crown[..., 3] *= x * x + y * y + 0.25 * ragged < 0.7
    light = 1 - 0.4 * y - 0.25 * scene.sun[0] * x + 0.15 * ragged[::-1]
    crown[..., :3] = light[..., None] * pick(rng, LEAVES)
    quad = [(s - half, h, z), (s + half, h, z), (s + half, bare, z)]
    scene.paste(TREE, [*quad, (s - half, bare, z)], crown)


def draw_car(scene: Scene, thing: Thing) -> None:
    """Draws a side view extruded to a body, with glass, wheels and lamps."""
    rng, (_, s, z, width, depth, height) = scene.rng, thing
    shape = rng.choice([SALOON, HATCHBACK, VAN]).split()
    shape = np.array(shape, float).reshape(-1, 2)
    paint, glass = pick(rng, PAINTS), pick(rng, GLASS)
    ahead, along = rng.choice([-1, 1]), depth > width
    length, breadth = max(width, depth), min(width, depth)

    def stand(outline: np.ndarray, across: float) -> np.ndarray:
        x, y = np.transpose(outline)
        x, across = ahead * length * x, 0 * x + across * breadth
        x, across = (across, x) if along else (x, across)
        return np.stack([s + x, y * height, z + across], 1)

    def wheels(across: float, radius: float, grey: float) -> None:
        for x in (-0.31, 0.31):
            rim = ellipse(x, 0.32 / height, radius / length, radius / height)
            scene.fill(CAR, stand(rim, across), np.full(3, grey))

    for across in (0.49, 0.3, -0.3, -0.49):
        wheels(across, 0.32, 24)
    a, b = stand(shape, -0.5), stand(shape, 0.5)
    quads = np.stack([a[:-1], a[1:], b[1:], b[:-1]], 1)
    eye = np.array([-scene.bend(z), scene.eye, 0])
    for i in np.argsort(-np.linalg.norm(quads.mean(1) - eye, axis=1)):
        quad, (run, rise) = quads[i], np.abs(shape[i + 1] - shape[i])
        light = 0.8 + 0.3 * run / np.hypot(run, rise / 3)
        scene.fill(CAR, quad, paint * light)
        if shape[i : i + 2, 1].min() > 0.5 and rise > 0.3:
            scene.fill(CAR, inset(quad, 0.82), glass * light)
        if i in (0, len(quads) - 1):
            lamp = np.array([205, 30, 30] if i == 0 else [240, 235, 210])
            for corner in quad[np.argsort(quad[:, 1])[2:]]:
                lens = inset(quad, 0.2) + 0.7 * (corner - quad.mean(0))
                scene.fill(CAR, lens, lamp)
    near = np.sign(eye[0] - s) / 2 if along else -0.5
    if not along or abs(eye[0] - s) > breadth / 2:
        scene.fill(CAR, a if near < 0 else b, paint * 0.9)
        cabin = inset(shape[shape[:, 1] >= 0.6], 0.82)
        scene.fill(CAR, stand(cabin, near), glass)
        wheels(near, 0.32, 24)
        wheels(near, 0.18, 150)


def draw_person(scene: Scene, thing: Thing) -> None:
    """Draws legs, arms, a bag, torso, hair, face; in units of height."""
    rng, (_, s, z, _, _, h) = scene.rng, thing
    top, legs, bag = rng.uniform(10, 225, (3, 3))
    top, legs = (top + top.mean()) / 2, 0.3 * legs + 0.3 * legs.mean()
    wide, step = rng.uniform(0.1, 0.14), rng.uniform(0.02, 0.13)
    hem, swing = rng.choice([0.36, 0.47, 0.47]), rng.uniform(-0.01, 0.06)
    parts = []
    for side, light in ((-1, 0.75), (1, 1)):
        hip, foot = (side * 0.08, 0.54), side * step
        leg = [(0, 0.54), hip, (foot + 0.03, 0), (foot - 0.03, 0)]
        hand = side * (wide + swing)
        arm = [
            (0, 0.82),
            (side * wide, 0.81),
            (hand, 0.46),
            (0.8 * hand, 0.45),
        ]
        parts += [(legs * light, leg), (top * light * 0.8, arm)]
    if rng.random() < 0.4:
        parts += [(bag, ellipse(rng.choice([-1, 1]) * wide, 0.6, 0.07, 0.1))]
    half = [(0, hem), (0.8 * wide, hem), (wide, 0.79), (0.04, 0.84), (0, 0.84)]
    parts += [(top, half), (top * 0.8, np.array(half) * [-1, 1])]
    parts += [(pick(rng, HAIRS), ellipse(0, 0.92, 0.05, 0.075))]
    parts += [(pick(rng, SKINS), ellipse(0.005, 0.9, 0.042, 0.06))]
    scene.plates(PERSON, s, z, [(c, h * np.array(part)) for c, part in parts])


def draw_sign(scene: Scene, thing: Thing) -> None:
    """Draws a pole with a traffic light, a board or a traffic sign."""
    rng, (_, s, z, r, _, h) = scene.rng, thing
    colour, light, dark = pick(rng, FACES), np.full(3, 235), np.full(3, 35)
    parts = [(np.full(3, rng.uniform(70, 190)), board(0.06, 0, h))]
    kind = rng.integers(4)
    if kind == 0:
        parts += [(dark, board(0.2, h - 1, h))]
        for y, lamp in zip((0.2, 0.5, 0.8), ('dc2828', 'c89628', '28c878')):
            parts += [(pick(rng, lamp), ellipse(0, h - y, 0.13, 0.13))]
    elif kind == 1:
        parts += [(light, board(2 * r, h - 2 * r, h))]
        parts += [(colour, board(1.85 * r, h - 1.85 * r, h - 0.15 * r))]
        for y in (h - 0.8 * r, h - 1.4 * r):
            parts += [(light, board(1.4 * r, y, y + 0.1))]
    else:
        n, middle = rng.choice([3, 4, 8, 16]), rng.choice([light, dark])
        parts += [(colour, ellipse(0, h, r, r, n))]
        parts += [(middle, ellipse(0, h, 0.7 * r, 0.7 * r, n))]
        parts += [(colour, board(0.25 * r, h - 0.3 * r, h + 0.2 * r))]
    scene.plates(SIGN, s, z, parts)


# Things on the street: function that draws one, greatest number of tries to
# place one, least and greatest distance, least and greatest metres beyond the
# kerb, width, depth, least and greatest height.
CROWD = [
    (draw_person, 7, 4.5, 9, -2, 3, 0.6, 0.5, 1.5, 1.95),
    (draw_sign, 5, 6, 12, 0.2, 0.8, 0.35, 0.2, 2, 3),
    (draw_car, 5, 8, 15, -2.6, -1.1, 1.75, 4.3, 1.4, 1.7),
    (draw_tree, 5, 8, 16, 0.8, 4, 3.5, 1, 3.5, 7),
    (draw_tree, 4, 5, 15, 0.5, 4, 1.6, 1, 0.7, 1.6),
    (draw_car, 9, 15, 70, -2.6, -1.1, 1.75, 4.3, 1.4, 1.9),
    (draw_tree, 10, 16, 80, 0.8, 8, 4.5, 1, 4, 9),
    (draw_person, 11, 8, 35, -2, 4, 0.6, 0.5, 1.5, 1.95),
    (draw_sign, 5, 12, 35, 0.2, 0.8, 0.4, 0.2, 2, 3.2),
]


def plan(scene: Scene) -> list[Thing]:
    """Returns the buildings and things along the street, far ones first."""
    rng, things = scene.rng, []
    for side in rng.choice([-1, 1], rng.choice([1, 2, 2]), replace=False):
        z, tall = rng.uniform(2, 6), rng.uniform(5, 14)
        s = side * (scene.kerb + scene.pavement + rng.uniform(4, 7))
        while z < FAR - 15:
            depth, h = rng.uniform(6, 15), tall * rng.uniform(0.7, 1.35)
            house = Thing(draw_building, s, z + depth / 2, 8, depth, h)
            if not -depth < z - scene.junction < 7:
                things.append(house)
            z += depth + rng.choice([0, 0, 0, 4])

    def fits(thing: Thing) -> bool:
        x = scene.project([(thing.s, 0, thing.z)])[0, 0]
        return 0 < x < scene.shape[1] and all(
            abs(thing.s - other.s) > (thing.width + other.width) / 2
            or abs(thing.z - other.z) > (thing.depth + other.depth) / 2
            for other in things
        )

    def distance(thing: Thing) -> float:  # of a building, to its far end
        z = thing.z + thing.depth / 2 * (thing.draw is draw_building)
        return np.hypot(thing.s + scene.bend(z), z)

    for draw, tries, near, far, inner, outer, *size, low, high in CROWD:
        for _ in range(rng.integers(tries // 2, tries + 1)):
            z = near * (far / near) ** rng.random()
            s = rng.choice([-1, 1]) * (scene.kerb + rng.uniform(inner, outer))
            thing = Thing(draw, s, z, *size, rng.uniform(low, high))
            if draw is draw_car and 1 < z - scene.junction < 6:
                s = rng.uniform(-15, 15)
                thing = thing._replace(s=s, width=size[1], depth=size[0])
            if fits(thing):
                things.append(thing)
    return sorted(things, key=distance, reverse=True)


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


def write_data_set(root: Path, settings: dict[str, int]) -> None:
    """Renders both splits into a new folder."""
    images, labels = root / 'JPEGImages', root / 'SegmentationClass'
    lists = root / 'ImageSets' / 'Segmentation'
    for folder in (images, labels, lists):
        folder.mkdir(parents=True)
    for split_id, split in enumerate(('train', 'val')):
        names = [f'{split}_{i:04d}' for i in range(settings[split])]
        (lists / f'{split}.txt').write_text('\n'.join(names) + '\n')
        for index, name in enumerate(Progress(names, desc=split)):
            # A seed of its own: no image depends on how many are made.
            rng = np.random.default_rng([settings['seed'], split_id, index])
            image, label = render(rng, settings['height'], settings['width'])
            Image.fromarray(image).save(images / f'{name}.jpg', quality=90)
            write_label(labels / f'{name}.png', label, PALETTE)


def main() -> None:
    """Makes the data set that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        epilog='--train and --val count images; sizes are in pixels.',
    )
    parser.add_argument('out', type=Path, help='folder to make')
    for name, (default, least) in OPTIONS.items():
        text = f'{least} or more (default: {default})'
        kind = whole(f'value of --{name}', least)
        parser.add_argument(f'--{name}', type=kind, default=default, help=text)
    settings = vars(parser.parse_args())
    out = settings.pop('out').resolve()
    about = dict(classes=CLASSES, palette=PALETTE, settings=settings)
    about, about_file = json.dumps(about) + '\n', out / 'classes.json'
    if about_file.is_file() and about_file.read_text() == about:
        print(f'{out} already holds this data set; nothing to do.')
        return
    if not is_empty_or_absent(out):
        found = 'exists and is not the data set of these options'
        parser.exit(2, f'{out} {found}: name a new folder or remove it.\n')
    out.parent.mkdir(parents=True, exist_ok=True)
    # A rename at the end: an interrupted run leaves no partial data set.
    with tempfile.TemporaryDirectory(prefix='.demo-', dir=out.parent) as stage:
        root = Path(stage) / 'data'
        write_data_set(root, settings)
        (root / 'classes.json').write_text(about)
        root.rename(out)
    print(f'Wrote {settings["train"]} + {settings["val"]} images to {out}.')


if __name__ == '__main__':
    main()
