"""Disjoint label maps of a batch, one for each source of labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_sesam.structures import DENSE, NO_LABEL, UNLABELLED, LabelSource


class LabelMaps(NamedTuple):
    """Labels of a batch by source; no pixel is labelled by two sources.

    Attributes:
        labels: name of each source -> (N, H, W) uint8 class ids, 255 where
            unlabelled.
        inside: (N, H, W) bool, False on pixels that padding added.
        kinds: kind of each image's human labels, None for an unknown one;
            empty if none is known.
    """

    labels: dict[str, Tensor]
    inside: Tensor
    kinds: Sequence[str | None] = ()

    @classmethod
    def disjoint(
        cls,
        labels: dict[str, Tensor],
        inside: Tensor,
        kinds: Sequence[str | None] = (),
    ) -> LabelMaps:
        """Removes from each map the pixels that an earlier map labels.

        Example:
            >>> weak = torch.tensor([[[1, 255, 255]]], dtype=torch.uint8)
            >>> pseudo = torch.tensor([[[1, 2, 255]]], dtype=torch.uint8)
            >>> maps = LabelMaps.disjoint(
            ...     dict(weak=weak, pseudo=pseudo), weak != 3
            ... )
            >>> maps.labels['pseudo'].tolist()
            [[[255, 2, 255]]]
        """
        disjoint, free = {}, torch.ones_like(inside)
        for name, label in labels.items():
            disjoint[name] = label.masked_fill(~free, UNLABELLED)
            free = free & (disjoint[name] == UNLABELLED)
        return cls(disjoint, inside, kinds)

    def labelled(self) -> dict[str, Tensor]:
        """Returns the labelled pixels of each source, (N, H, W) bool."""
        return {n: m != UNLABELLED for n, m in self.labels.items()}

    def merged(self) -> Tensor:
        """Returns the labels of all sources in one (N, H, W) uint8 map."""
        merged, *others = self.labels.values()
        for label in others:
            merged = torch.where(merged == UNLABELLED, label, merged)
        return merged

    def shares(self) -> dict[str, Tensor]:
        """Returns the share of the images' pixels that each source labels.

        Pixels that padding added are not counted.
        """
        pixels = self.inside.sum().clamp_min(1)
        return {
            f'share_{name}': labelled.sum() / pixels
            for name, labelled in self.labelled().items()
        }


def stack_labels(samples: list[SegDataSample], field: str) -> Tensor:
    """Returns a label map of all samples of a batch, (N, H, W) uint8."""
    for sample in samples:
        if field not in sample:
            raise ValueError(
                f'The data sample of {sample.get("img_path")} has no {field}, '
                'which a source of the model reads; each training pipeline '
                'must load the labels and end with PackSeSAMInputs.'
            )
    return torch.cat([sample.get(field).data for sample in samples])


def kinds_of(samples: list[SegDataSample]) -> list[str | None]:
    """Returns the kind of each image's human labels, if it is known."""
    return [sample.get('label_kind') for sample in samples]


def labels_by_source(
    labels: dict[str, Tensor],
    sources: Sequence[LabelSource],
    samples: list[SegDataSample],
) -> dict[str, Tensor]:
    """Returns the (N, H, W) label map of each source, by its name.

    A source with `kinds` gets the labels of images of these kinds. Dense
    images have no labels but a person's: their other pixels are void.

    Args:
        labels: (N, H, W) uint8 label maps by field.
        sources: sources of labels, in the order in which they take pixels.
        samples: N data samples.
    """
    kinds = kinds_of(samples)
    _refuse_untaken_kinds(kinds, sources)
    found = {}
    for source in sources:
        label = labels[source.field]
        if source.kinds is not None:
            others = [kind not in source.kinds for kind in kinds]
            label = _without_images(label, others)
        elif not source.is_human and DENSE in kinds:
            dense = [kind == DENSE for kind in kinds]
            label = _without_images(label, dense)
        found[source.name] = label
    return found


def _without_images(labels: Tensor, removed: Sequence[bool]) -> Tensor:
    """Returns labels, (N, H, W), that some of the images have lost."""
    rows = torch.tensor(removed).to(labels.device, non_blocking=True)
    return labels.masked_fill(rows[:, None, None], UNLABELLED)


def _refuse_untaken_kinds(
    kinds: Collection[str | None], sources: Sequence[LabelSource]
) -> None:
    """Raises if no source takes the human labels of an image."""
    human = [source for source in sources if source.is_human]
    if any(source.kinds is None for source in human):
        return
    taken = {kind for source in human for kind in source.kinds}
    untaken = set(kinds) - taken - {NO_LABEL}
    if untaken:
        raise ValueError(
            f'The batch holds an image whose label has the kind '
            f'{untaken.pop()!r}, and model.sources has kinds={sorted(taken)}, '
            'so that its label is lost; set kind of LoadWeakAnnotations, '
            'pack with PackSeSAMInputs, or end the sources of gt_sem_seg '
            'with one without kinds.'
        )


def refuse_unmade_labels(samples: list[SegDataSample]) -> None:
    """Raises if `LoadPseudoLabel` found no round: each label is empty.

    In a run without the hook `LoadPseudoLabel` itself raises, except in
    spawned workers, which do not inherit the note of the run.
    """
    if samples[0].get('pseudo_label_round') == -1:
        raise ValueError(
            'LoadPseudoLabel found no round of pseudo-labels, which '
            'SAMPseudoLabelHook makes before the first step; add the hook as '
            'default_hooks.pseudo_labels, or take LoadPseudoLabel out of the '
            'training pipeline.'
        )


def rule_out_absent(logits: Tensor, samples: list[SegDataSample]) -> Tensor:
    """Returns logits with -inf for classes that an image's weak label lacks.

    An image without any label keeps all classes. Logits are (N, C, H, W).
    """
    absent = torch.zeros(logits.shape[:2], dtype=torch.bool)
    for row, sample in zip(absent, samples):
        if 'weak_classes' not in sample:
            raise ValueError(
                'The data samples have no weak_classes, which '
                'only_weak_classes=True needs; load the weak labels with '
                'LoadWeakAnnotations and pack them with PackSeSAMInputs.'
            )
        if sample.weak_classes:
            row[:] = True
            row[list(sample.weak_classes)] = False
    absent = absent.to(logits.device, non_blocking=True)
    return logits.masked_fill(absent[..., None, None], float('-inf'))


def inside_images(samples: list[SegDataSample], like: Tensor) -> Tensor:
    """Returns the (N, H, W) bool pixels that padding did not add."""
    inside = torch.zeros_like(like, dtype=torch.bool)
    for index, sample in enumerate(samples):
        height, width = sample.img_shape
        inside[index, :height, :width] = True
    return inside
