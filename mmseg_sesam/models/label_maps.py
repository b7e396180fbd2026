"""Disjoint label maps of a batch, one for each source of labels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor


class LabelMaps(NamedTuple):
    """Labels of a batch by source; no pixel is labelled by two sources.

    Attributes:
        labels: name of each source -> (N, H, W) uint8 class ids.
        inside: (N, H, W) bool, False on pixels that padding added.
        ignore_index: the value of unlabelled pixels in all maps.
    """

    labels: dict[str, Tensor]
    inside: Tensor
    ignore_index: int

    @classmethod
    def disjoint(
        cls, labels: dict[str, Tensor], inside: Tensor, ignore_index: int
    ) -> LabelMaps:
        """Removes from each map the pixels that an earlier map labels.

        Example:
            >>> weak = torch.tensor([[[1, 255, 255]]], dtype=torch.uint8)
            >>> pseudo = torch.tensor([[[1, 2, 255]]], dtype=torch.uint8)
            >>> maps = LabelMaps.disjoint(
            ...     dict(weak=weak, pseudo=pseudo), weak != 3, 255
            ... )
            >>> maps.labels['pseudo'].tolist()
            [[[255, 2, 255]]]
        """
        disjoint, free = {}, torch.ones_like(inside)
        for name, label in labels.items():
            disjoint[name] = label.masked_fill(~free, ignore_index)
            free = free & (disjoint[name] == ignore_index)
        return cls(disjoint, inside, ignore_index)

    def labelled(self) -> dict[str, Tensor]:
        """Returns the labelled pixels of each source, (N, H, W) bool."""
        return {n: m != self.ignore_index for n, m in self.labels.items()}

    def merged(self) -> Tensor:
        """Returns the labels of all sources in one (N, H, W) uint8 map."""
        merged, *others = self.labels.values()
        for label in others:
            merged = torch.where(merged == self.ignore_index, label, merged)
        return merged

    def shares(self) -> dict[str, Tensor]:
        """Returns the share of pixels that each source labels."""
        return {
            f'share_{name}': labelled.float().mean()
            for name, labelled in self.labelled().items()
        }


def stack_labels(samples: list[SegDataSample], field: str) -> Tensor:
    """Returns a label map of all samples of a batch, (N, H, W) uint8."""
    if field not in samples[0]:
        raise ValueError(
            f'The data samples have no {field}; the training pipeline must '
            "load the labels (for teacher='round' with LoadPseudoLabel's "
            'with_confident=True) and end with PackSeSAMInputs.'
        )
    return torch.cat([sample.get(field).data for sample in samples])


def refuse_unmade_labels(samples: list[SegDataSample]) -> None:
    """Raises if `LoadPseudoLabel` found no round: each label is empty."""
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
