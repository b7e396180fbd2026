"""Buildings, trees, cars, persons and signs along a street.

Colours overlap between classes on purpose (grey roads, pavements, walls, cars
and skies): colour alone decides little. All distributions are our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mmseg_sesam.street_scenes.scene import (
    BUILDING,
    CAR,
    PERSON,
    SIGN,
    TREE,
    Scene,
    board,
    ellipse,
    inset,
    noise,
    pick,
)

FAR = 110  # metres to where the skyline closes the street

# Hexadecimal RGB.
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
