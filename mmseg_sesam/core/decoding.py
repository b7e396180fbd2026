"""Decodes the prompts of an image's components, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Callable

from mmseg_sesam.core.candidates import Candidates, MaskCrop
from mmseg_sesam.core.component_candidates import ComponentCandidates
from mmseg_sesam.core.prepared_label import PreparedLabel
from mmseg_sesam.core.prompts import PointPrompt

Decode = Callable[[list[PointPrompt]], Candidates]
# Prompts decoded at once (our choice: their candidates bound the memory).
PROMPTS_PER_CALL = 256


def measure_components(
    decode: Decode,
    prepared: PreparedLabel,
    prompts_per_call: int = PROMPTS_PER_CALL,
) -> list[ComponentCandidates]:
    """Decodes and measures the candidates of all components of an image.

    Args:
        decode: returns the candidates of prompts on the image.
        prepared: label of the image.
        prompts_per_call: most prompts decoded at once, unless a component
            has more; bounds the memory that candidates take.

    Raises:
        ValueError: candidates are of another number of prompts.
    """
    measured = []
    for group in _groups([len(p) for p in prepared.prompts], prompts_per_call):
        prompts = [p for index in group for p in prepared.prompts[index]]
        candidates = decode(prompts)
        candidates.check_number(len(prompts))
        first = 0
        for index in group:
            measured.append(
                ComponentCandidates.measure(prepared, index, candidates, first)
            )
            first += len(prepared.prompts[index])
    return measured


def draw_unions(
    decode: Decode,
    components: Sequence[ComponentCandidates],
    chosen: Mapping[int, Sequence[int]],
    prompts_per_call: int = PROMPTS_PER_CALL,
) -> Iterator[tuple[int, MaskCrop]]:
    """Draws the unions of chosen candidates.

    The prompts of those candidates are decoded once more: they are few, and
    the candidates of all prompts would not fit into memory.

    Args:
        decode: returns the candidates of prompts on the image.
        components: all components of the image, from `measure_components`.
        chosen: for some components, numbers of their candidates.
        prompts_per_call: see `measure_components`.

    Yields:
        Place of a component and the union, in the order of `chosen`.

    Raises:
        ValueError: a mask is not of the label's size.
    """
    places = list(chosen)
    parts = [[components[p].split(n) for n in chosen[p]] for p in places]
    # A prompt may have several chosen candidates.
    prompts = [list(dict.fromkeys(prompt for prompt, _ in p)) for p in parts]
    for group in _groups([*map(len, prompts)], prompts_per_call):
        candidates = decode(
            [
                components[places[index]].prompts[prompt]
                for index in group
                for prompt in prompts[index]
            ]
        )
        first = 0
        for index in group:
            crops = [
                candidates.crop(first + prompts[index].index(prompt), number)
                for prompt, number in parts[index]
            ]
            first += len(prompts[index])
            for crop in crops:
                crop.check_size(components[places[index]].prepared.label.shape)
            yield places[index], MaskCrop.union(crops)


def _groups(counts: Sequence[int], size: int) -> Iterator[list[int]]:
    """Yields places in groups whose counts sum to `size` at most, or one."""
    group: list[int] = []
    total = 0
    for place, count in enumerate(counts):
        if group and total + count > size:
            yield group
            group, total = [], 0
        group.append(place)
        total += count
    if group:
        yield group
