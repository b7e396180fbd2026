"""Round 0 and its ceiling, on the images of a set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

import numpy as np
from mmengine.config import Config
from mmseg.registry import TASK_UTILS

from mmseg_sesam.core.appearance import AppearanceModel, collect_samples
from mmseg_sesam.core.candidates import MaskCrop
from mmseg_sesam.core.compose import ClassMask, compose
from mmseg_sesam.core.conflict_prior import ConflictPrior
from mmseg_sesam.core.decoding import Decode
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.evaluation.label_quality import (
    confusion_matrix,
    in_percent,
    label_quality,
)
from mmseg_sesam.pseudo_labels.generator import PseudoLabelGenerator
from mmseg_sesam.rounds.learning import APPEARANCE_IMAGES, PRIOR_IMAGES

from .images import IGNORE, SETS, ImageSet, LabelledImage
from .simulated_sam import SimulatedSAM

SEGMENTERS = Path(__file__).parents[2] / 'configs' / '_base_' / 'segmenters'
# Displacement of the outlines of each simulated SAM, in pixels.
SIGMAS = {'simulated-sam-1px': 1.0, 'simulated-sam-2px': 2.0}
# Rows and columns from one pixel to the next that the ceiling looks up.
STRIDE = 2


def measure(set_name: str, segmenter: str, data: Path) -> dict[str, Any]:
    """Measures round 0 and its ceiling.

    Args:
        set_name: name in `SETS`.
        segmenter: name of a config in configs/_base_/segmenters, without
            '.py', or a name in `SIGMAS`.
        data: folder of all data sets.

    Returns:
        JSON values: for 'round 0' and 'ceiling' the labelled share of
        pixels, the right share of these, and the IoU, where unlabelled pixels
        count as missed, all in %; 'share', the ratio of the two IoUs; and
        seconds of one core.
    """
    images = SETS[set_name]
    build = _builder(segmenter)
    start = time.process_time()
    appearance, prior = _learn(images, data, build)
    learned = time.process_time()
    counts = np.zeros((2, images.num_classes, images.num_classes + 1), int)
    seconds = []
    for sample in images.load(data):
        generator = build(sample)
        start_one = time.process_time()
        evidence = appearance and appearance(sample.image, sample.weak)
        made = generator(
            sample.image, sample.weak, evidence=evidence, prior=prior
        )
        seconds.append(time.process_time() - start_one)
        for row, label in enumerate((made.label, ceiling(generator, sample))):
            counts[row] += confusion_matrix(
                sample.dense, label, images.num_classes
            )
    result = {
        name: in_percent(label_quality(confusion))
        for name, confusion in zip(('round 0', 'ceiling'), counts)
    }
    return dict(
        set=set_name,
        segmenter=segmenter,
        images=len(seconds),
        **result,
        share=round(result['round 0']['iou'] / result['ceiling']['iou'], 3),
        seconds_to_learn=round(learned - start, 1),
        seconds_an_image=round(float(np.mean(seconds)), 3),
    )


def ceiling(
    generator: PseudoLabelGenerator, sample: LabelledImage
) -> np.ndarray:
    """Returns the (H, W) uint8 label of the best unions, small ones on top."""
    prepared = generator.prepare(sample.image, sample.weak)
    decode = generator.decoder(sample.image, prepared)
    masks = []
    for place, component in enumerate(prepared.components):
        mask = best_union(decode, prepared, place, sample.dense)
        if mask is not None and mask.any():
            crop = MaskCrop.of(mask)
            masks.append(ClassMask.of(crop, component.class_id))
    return compose(sample.weak, masks)


def best_union(
    decode: Decode, prepared: PreparedLabel, place: int, dense: np.ndarray
) -> np.ndarray | None:
    """Returns a good union of a component's candidates, by the dense label.

    Masks are added while one adds more right than wrong pixels: in one order
    the one that adds most of them, in another the one with the smallest
    share of wrong ones. The better union of the two is returned, and None if
    no mask does.
    """
    candidates = decode(prepared.prompts[place])
    rows, cols = np.mgrid[: dense.shape[0] : STRIDE, : dense.shape[1] : STRIDE]
    inside = candidates.contains(rows.ravel(), cols.ravel(), slice(None))
    per_prompt = inside.shape[1]
    inside = inside.reshape(-1, inside.shape[-1])
    # Many prompts of a component have the same masks.
    packed = map(bytes, np.packbits(inside, axis=1))
    numbers = list({mask: row for row, mask in enumerate(packed)}.values())
    inside = inside[numbers]
    truth = dense[::STRIDE, ::STRIDE].ravel()
    class_id = prepared.components[place].class_id
    worth = np.where(truth == class_id, 1, -1)
    worth = np.where(truth == IGNORE, 0, worth).astype(np.float32)
    orders = [add_masks(inside, worth, by_share) for by_share in (False, True)]
    _, chosen = max(orders, key=lambda order: order[0])
    masks = [
        candidates.mask(*divmod(numbers[row], per_prompt)) for row in chosen
    ]
    return np.logical_or.reduce(masks) if masks else None


def add_masks(
    inside: np.ndarray, worth: np.ndarray, by_share: bool
) -> tuple[float, list[int]]:
    """Adds masks while one is worth more than nothing.

    Args:
        inside: (n, pixels) bool, the pixels of each mask.
        worth: (pixels,) float32, 1 for right, -1 for wrong pixels.
        by_share: add the mask with the highest worth of a pixel, not the
            one with the highest worth.

    Returns:
        The worth of the union, and its masks.
    """
    values, worth = inside.astype(np.float32), worth.copy()
    total, chosen = 0.0, []
    while True:
        gain = values @ worth
        rank = (
            gain / np.maximum(values @ np.abs(worth), 1) if by_share else gain
        )
        best = int(np.where(gain > 0, rank, -1).argmax())
        if gain[best] <= 0:
            return total, chosen
        total += float(gain[best])
        chosen.append(best)
        worth[inside[best]] = 0


def _builder(
    segmenter: str,
) -> Callable[[LabelledImage], PseudoLabelGenerator]:
    """Returns a function that returns the generator for an image."""
    simulated = segmenter in SIGMAS
    name = 'sam_vit_h' if simulated else segmenter
    options = Config.fromfile(SEGMENTERS / f'{name}.py').generator
    if simulated:
        # Replaced below: SAM's weights are not there.
        options.segmenter = dict(type='SuperpixelSegmenter')
    generator = TASK_UTILS.build(options)

    def build(sample: LabelledImage) -> PseudoLabelGenerator:
        if simulated:
            generator.segmenter = SimulatedSAM(sample.dense, SIGMAS[segmenter])
        return generator

    return build


def _learn(
    images: ImageSet,
    data: Path,
    build: Callable[[LabelledImage], PseudoLabelGenerator],
) -> tuple[AppearanceModel | None, ConflictPrior]:
    """Returns what a round learns from weak labels before it is made."""
    appearance = AppearanceModel.fit(
        [
            collect_samples(sample.image, sample.weak)
            for sample in images.load(data, APPEARANCE_IMAGES)
        ]
    )
    counts = ConflictPrior.no_counts()
    for sample in images.load(data, PRIOR_IMAGES):
        generator = build(sample)
        evidence = appearance and appearance(sample.image, sample.weak)
        prepared = generator.prepare(
            sample.image, sample.weak, evidence=evidence
        )
        counts += generator.count_masks(sample.image, prepared)
    return appearance, ConflictPrior.fit(counts)
