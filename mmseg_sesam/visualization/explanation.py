"""Why a pseudo-label is as it is: every candidate of every component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from mmseg_sesam.core.components import Component
from mmseg_sesam.core.labelled_pixels import LabelledPixels
from mmseg_sesam.core.prompts import PointPrompt
from mmseg_sesam.core.selection import CoverageMaskSelector
from mmseg_sesam.pseudo_labels.generator import (
    ComponentRecord,
    PseudoLabel,
    PseudoLabelGenerator,
)
from mmseg_sesam.segmenters.base import Candidates

CHOSEN = 'chosen'
CONFLICT = 'too much conflict'
SCORE = 'low score'
STABILITY = 'low stability'
GAIN = 'adds too little'
OTHER = 'not chosen'


class Judged(NamedTuple):
    """One candidate, as the selector sees it.

    Attributes:
        prompt: of the component's prompts.
        index: of the prompt's candidates.
        coverage: share of the component's pixels that it holds.
        conflict: share of rivals in the labelled pixels it holds.
        score: predicted IoU.
        area: pixels.
        rank: 1 for the candidate taken first, 0 for those not taken.
        verdict: `CHOSEN`, or the rule that it fails.
    """

    prompt: int
    index: int
    coverage: float
    conflict: float
    score: float
    area: float
    rank: int
    verdict: str


class Explanation(NamedTuple):
    """What became of one component.

    Attributes:
        component: the component.
        record: what the generator notes of it.
        prompts: what the segmenter was asked, all points together first.
        candidates: what it answered.
        judged: every candidate, those chosen first, then by coverage.
    """

    component: Component
    record: ComponentRecord
    prompts: list[PointPrompt]
    candidates: Candidates
    judged: list[Judged]


def explain(
    generator: PseudoLabelGenerator,
    image: np.ndarray,
    weak: np.ndarray,
    number: int | None = None,
) -> tuple[PseudoLabel, list[Explanation]]:
    """Makes the pseudo-label of an image, and keeps what it came from.

    It is the one of the first round, without doubts about the growth of
    masks: those take a whole data set.

    Args:
        generator: makes the pseudo-label.
        image: (H, W, 3) uint8 in RGB.
        weak: (H, W) uint8 class ids, 255 where nothing is labelled.
        number: of components to explain, all by default. The segmenter
            answers for each of them once more.

    Returns:
        The pseudo-label, and explanations of the components with most
        labelled pixels, in descending order.

    Raises:
        ValueError: image and label differ in size.
    """
    made = generator(image, weak)
    if not made.records:
        return made, []
    components, prompts_of, rivals = generator.prepare(image, weak)
    embedding = generator.segmenter.encode([image])[0]
    evidence = LabelledPixels.gather(
        components, rivals, generator.max_labelled_pixels
    )
    explanations = []
    for owner in tqdm(
        largest_first(made.records)[:number], desc='explaining', delay=2
    ):
        prompts = prompts_of[owner]
        candidates = generator.segmenter.decode(embedding, prompts)
        record = made.records[owner]
        judged = _judge(
            generator.selector, candidates, evidence, owner, record
        )
        explanations.append(
            Explanation(components[owner], record, prompts, candidates, judged)
        )
    return made, explanations


def largest_first(records: Sequence[ComponentRecord]) -> list[int]:
    """Returns the indices of records by labelled pixels, most first."""
    return sorted(range(len(records)), key=lambda i: -records[i].area)


def _judge(
    selector: CoverageMaskSelector,
    candidates: Candidates,
    evidence: LabelledPixels,
    owner: int,
    record: ComponentRecord,
) -> list[Judged]:
    """Tells of every candidate of a component why it was (not) chosen."""
    prompts, masks = candidates.scores.shape
    hits = candidates.contains(
        evidence.rows, evidence.cols, slice(0, prompts)
    ).reshape(prompts * masks, -1)
    chosen = [prompt * masks + index for prompt, index in record.chosen]
    union = hits[chosen].any(axis=0)
    coverage = evidence.coverage(hits, owner)
    conflict = evidence.conflict(hits, owner)
    gain = evidence.coverage(hits | union, owner)
    gain -= evidence.coverage(union[None], owner)
    least_gain = selector.min_gain if chosen else selector.min_coverage
    # The first rule that a candidate fails is named.
    rules = {
        CONFLICT: conflict.ravel() <= selector.max_conflict,
        SCORE: candidates.scores.ravel() >= selector.min_predicted_iou,
        STABILITY: candidates.stability.ravel() >= selector.min_stability,
        GAIN: gain >= least_gain,
    }
    judged = []
    for flat in range(len(hits)):
        failed = [rule for rule, kept in rules.items() if not kept[flat]]
        taken = flat in chosen
        judged.append(
            Judged(
                prompt=flat // masks,
                index=flat % masks,
                coverage=float(coverage[flat]),
                conflict=float(conflict[flat]),
                score=float(candidates.scores.ravel()[flat]),
                area=float(candidates.areas.ravel()[flat]),
                rank=1 + chosen.index(flat) if taken else 0,
                verdict=CHOSEN if taken else [*failed, OTHER][0],
            )
        )
    judged.sort(key=lambda j: (not j.rank, j.rank, -j.coverage))
    return judged
