"""Measures the memory of the pseudo-label of one large image.

    python -m benchmarks.large_images --sides 3000 6000 12000 --limit 4

Each image is made in a process of its own, whose memory is limited: with
more it would end with an error. An image shows fields, roads of five pixels
and houses, with strokes, points and coarse masks as weak labels. It is
segmented by `TiledSegmenter` with superpixels inside, with the options of the
components left at their defaults, and the appearance of the classes as
evidence.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import cv2
import numpy as np

# Grey values of fields (two classes), roads and houses.
COLOURS = np.array(
    [[90, 140, 60], [150, 120, 70], [200, 200, 200], [170, 60, 50]], np.uint8
)
# Pixels of a field's side, and pixels for each road and each house.
FIELD, ROAD, HOUSE = 1500, 3_000_000, 1_000_000
GIB = 2**30


def make_scene(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns an image, (H, W, 3) uint8, and its weak label."""
    rng = np.random.default_rng(0)
    number = -(-side // FIELD)
    fields = rng.integers(0, 2, (number, number)).astype(np.uint8)
    classes = fields.repeat(FIELD, axis=0).repeat(FIELD, axis=1)
    classes = np.ascontiguousarray(classes[:side, :side])
    weak = np.full((side, side), 255, np.uint8)
    for row in range(number):
        for col in range(number):
            # A coarse mask in some fields, a stroke in the others.
            corner = np.array([col, row]) * FIELD + 300
            end = corner + (600 if (row + col) % 3 == 0 else 12)
            end[0] = corner[0] + 600
            value = int(fields[row, col])
            cv2.rectangle(weak, corner.tolist(), end.tolist(), value, -1)
    for _ in range(max(side**2 // ROAD, 1)):
        start = rng.integers(0, side, 2)
        end = (start + rng.integers(-4000, 4001, 2)).clip(0, side - 1)
        cv2.line(classes, start.tolist(), end.tolist(), 2, 5)
        cv2.line(weak, start.tolist(), end.tolist(), 2, 1)
    for _ in range(side**2 // HOUSE):
        corner = rng.integers(0, side - 40, 2)
        end = (corner + rng.integers(15, 40, 2)).tolist()
        cv2.rectangle(classes, corner.tolist(), end, 3, -1)
        weak[corner[1] + 7, corner[0] + 7] = 3
    image = np.empty((side, side, 3), np.uint8)
    for row in range(0, side, 512):
        # In bands, since numpy takes eight bytes for each index.
        part = COLOURS[classes[row : row + 512]]
        noise = rng.integers(-12, 13, part.shape, np.int16)
        image[row : row + 512] = (part + noise).clip(0, 255)
    return image, weak


def measure(
    side: int, tile: int, tiles_in_memory: int, limit: float
) -> dict[str, float]:
    """Makes the pseudo-label of one image within `limit` GiB."""
    from mmseg_sesam.core.appearance import AppearanceModel, collect_samples
    from mmseg_sesam.pseudo_labels import PseudoLabelGenerator

    segmenter = dict(
        type='TiledSegmenter',
        segmenter=dict(type='SuperpixelSegmenter'),
        tile=tile,
        tiles_in_memory=tiles_in_memory,
    )
    generator = PseudoLabelGenerator(segmenter)
    small = [make_scene(1024)] * 2
    model = AppearanceModel.fit([collect_samples(*pair) for pair in small])
    imported = _peak()
    size = int(limit * GIB)
    # What the process allocates; code of libraries that is mapped from files
    # is not counted.
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    image, weak = make_scene(side)
    scene, start = _peak(), time.time()
    made = generator(image, weak, evidence=model(image, weak))
    return dict(
        side=side,
        components=len(made.records),
        labelled=float(np.mean(made.label != 255)),
        seconds=time.time() - start,
        imported=imported,
        scene=scene,
        peak=_peak(),
    )


def _peak() -> float:
    """Returns the largest resident memory so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.large_images',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument('--sides', type=int, nargs='+', default=[12_000])
    parser.add_argument('--tile', type=int, default=1024)
    parser.add_argument(
        '--tiles-in-memory',
        type=int,
        default=256,
        help='256 hold all tiles of 12 000 pixels a side (default: 256)',
    )
    parser.add_argument('--limit', type=float, default=4.0, help='GiB')
    parser.add_argument('--here', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        options = args.tile, args.tiles_in_memory, args.limit
        print(json.dumps(measure(args.sides[0], *options)))
        return
    names = (
        'side',
        'components',
        'labelled',
        'seconds',
        'libraries, GiB',
        'with image and label, GiB',
        'peak, GiB',
    )
    print(f'| {" | ".join(names)} |')
    print('|---' * len(names) + '|')
    for side in args.sides:
        words = ['--here', '--sides', side, '--tile', args.tile]
        words += ['--tiles-in-memory', args.tiles_in_memory]
        done = subprocess.run(
            [sys.executable, '-m', 'benchmarks.large_images']
            + list(map(str, [*words, '--limit', args.limit])),
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            sys.exit(f'large_images: {side} pixels did not fit {args.limit}')
        row = json.loads(done.stdout.splitlines()[-1])
        print(
            f'| {row["side"]} | {row["components"]} | {row["labelled"]:.0%} | '
            f'{row["seconds"]:.0f} | {row["imported"]:.2f} | '
            f'{row["scene"]:.2f} | {row["peak"]:.2f} |',
            flush=True,
        )


if __name__ == '__main__':
    main()
