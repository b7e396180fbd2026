"""Times of `SuperpixelSegmenter` on an image of CamVid's size."""

from __future__ import annotations

from benchmarks.timing import Times, compare
from mmseg_sesam.core.components import find_components
from mmseg_sesam.core.prompts import SkeletonPrompter
from mmseg_sesam.segmenters import SuperpixelSegmenter

from .data import Size, make_image, make_label

CAMVID = Size(360, 480, 40, 11)


def time_superpixels(repeats: int) -> dict[str, Times]:
    """Returns times of `encode`, and of `decode` for a weak label."""
    segmenter, image = SuperpixelSegmenter(), make_image(CAMVID)
    prompter = SkeletonPrompter(spacing=10, max_points=100)
    components = find_components(make_label(CAMVID))
    prompts = [prompt for own in prompter(components) for prompt in own]
    (embedding,) = segmenter.encode([image])
    return compare(
        {
            'encode': lambda: segmenter.encode([image]),
            'decode': lambda: segmenter.decode(embedding, prompts),
        },
        repeats,
    )
